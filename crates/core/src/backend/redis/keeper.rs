//! Keeps what Redis says in step with the files: announces, stores copies, and compares everything
//! once a second.
//!
//! There is no list of what is yet to be done: it follows from what is held and what the record says,
//! so nothing grows while the server is away, and nothing is forgotten by a process that dies.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::{ErrorKind, RedisError, ServerErrorKind, cmd};

use super::link::{Failure, State};
use super::record::{Named, Record};
use super::scripts::{Announced, Filled, Survey, Told};
use super::standing::{Repair, Verdict};
use super::{Shared, lock, transaction};
use crate::Document;
use crate::disk::faults::{self, Rule};

/// How long a subscription that begins waits for the first comparison before it is called live.
const SYNC_WITHIN: Duration = Duration::from_secs(1);

/// What was done for Redis.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Records raised.
    pub(super) announced: AtomicU64,
    /// Announcements that came too late.
    pub(super) refused: AtomicU64,
    /// Records found missing, or behind, by a comparison.
    pub(super) missing: AtomicU64,
    pub(super) behind: AtomicU64,
    /// Files named anew because the record was ahead of them.
    pub(super) renamed: AtomicU64,
    /// Copies stored, and not stored because the document has changed.
    pub(super) filled: AtomicU64,
    pub(super) refused_fills: AtomicU64,
    /// Copies dropped because the server had no room for the record.
    pub(super) dropped: AtomicU64,
    /// Copies of somebody else removed because they meant something else than the document.
    pub(super) stale_removed: AtomicU64,
    /// Calls the server refused for lack of room.
    pub(super) no_room: AtomicU64,
    pub(super) comparisons: AtomicU64,
    /// When the last comparison with a record of these files ended.
    pub(super) compared: Mutex<Option<Instant>>,
}

impl Shared {
    /// Announces what is new as soon as it is.
    pub(super) async fn announce(&self) {
        loop {
            self.news.notified().await;
            for document in Document::all() {
                self.announce_one(document).await;
            }
        }
    }

    async fn announce_one(&self, document: Document) {
        for attempt in 0..self.habits.attempts {
            // What is to be announced may have been replaced while the last attempt failed.
            let Some(named) = self.standing(document).to_announce() else { return };
            if !self.may_share() {
                return;
            }
            let announced = match self.can_script() {
                true => self.announce_by_script(document, &named).await,
                false => transaction::announce(self, document, &named).await,
            };
            match announced {
                Ok(announced) => return self.announced(document, named, announced),
                Err(Failure::Server(error)) if is_out_of_memory(&error) => {
                    return self.drop_copies(document, named).await;
                }
                Err(Failure::Server(error)) if self.note_refusal(&error) => {}
                Err(Failure::Server(_) | Failure::Away) => return,
                Err(Failure::TimedOut | Failure::Broken(_)) => {}
            }
            tokio::time::sleep(self.habits.backoff.pause(attempt)).await;
        }
    }

    async fn announce_by_script(
        &self,
        document: Document,
        named: &Named,
    ) -> Result<Announced, Failure> {
        let call = self.speaker.announcement(document, named);
        let answer = call.run(&self.commands, self.habits.command_budget).await?;
        Announced::read(answer).map_err(Failure::Server)
    }

    fn announced(&self, document: Document, named: Named, announced: Announced) {
        match announced {
            Announced::Raised(complaints) => {
                self.kept.announced.fetch_add(1, Ordering::Relaxed);
                let copied_from = self.habits.fills.then(Instant::now);
                self.standing(document).raised(named, copied_from);
                self.fills.notify_one();
                for complaint in complaints {
                    self.complain(&complaint);
                }
            }
            Announced::Same => self.standing(document).note_record(Some(named)),
            Announced::Refused(recorded) => {
                self.kept.refused.fetch_add(1, Ordering::Relaxed);
                self.standing(document).note_record(recorded);
                self.hint(document);
            }
            Announced::OtherDirectory(directory) => self.find_other_directory(&directory),
        }
    }

    /// The server will not grow: what it holds of the document must go all the same.
    async fn drop_copies(&self, document: Document, named: Named) {
        self.kept.no_room.fetch_add(1, Ordering::Relaxed);
        self.complain("the server has no room for the record");
        if !self.standing(document).claim_drop(named) {
            return;
        }
        let told = self.speaker.told(document, &named);
        match self.drop_and_tell(document, told).await {
            Ok(()) => drop(self.kept.dropped.fetch_add(1, Ordering::Relaxed)),
            Err(failure) => {
                tracing::debug!(%document, %failure, "copies could not be dropped");
                // With the next comparison it is tried again.
                self.standing(document).put_drop_back();
            }
        }
    }

    /// Drops the copies of a document, and says to everybody what is to be told.
    pub(super) async fn drop_and_tell(
        &self,
        document: Document,
        told: Told,
    ) -> Result<(), Failure> {
        if !self.can_script() {
            return transaction::drop_copies(self, document, told).await;
        }
        let call = self.speaker.drop_copies(document, told);
        call.run(&self.commands, self.habits.command_budget).await.map(drop)
    }

    /// Stores copies when they are due and there is a connection. Without one they stay due: a server
    /// that comes back is told of changes by one connection and gets the copies by another.
    pub(super) async fn fill(&self) {
        let mut links = self.values.states();
        loop {
            if *links.borrow_and_update() != State::Up {
                if links.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let dues = Document::all().filter_map(|document| self.standing(document).fill_due());
            match dues.min() {
                Some(due) => {
                    let due = tokio::time::Instant::from_std(due);
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = self.fills.notified() => continue,
                    }
                }
                None => self.fills.notified().await,
            }
            for document in Document::all() {
                self.fill_one(document).await;
            }
        }
    }

    /// Stores a copy that is due. Whether it is there now.
    pub(super) async fn fill_one(&self, document: Document) -> bool {
        let due = self.standing(document).take_fill(Instant::now());
        let Some((snapshot, named, is_shared)) = due.filter(|_| self.may_share()) else {
            return false;
        };
        if is_shared && self.has_copy(document).await {
            return true;
        }
        match self.store(document, &named, &snapshot.bytes).await {
            Ok(Filled::Stored) => {
                self.kept.filled.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            Ok(Filled::Refused) => drop(self.kept.refused_fills.fetch_add(1, Ordering::Relaxed)),
            Ok(Filled::OtherDirectory(directory)) => self.find_other_directory(&directory),
            Err(Failure::Server(error)) if is_out_of_memory(&error) => {
                self.kept.no_room.fetch_add(1, Ordering::Relaxed);
                self.standing(document).put_fill_off(Instant::now());
                self.complain("the server has no room for copies");
            }
            Err(Failure::Server(error)) => drop(self.note_refusal(&error)),
            Err(failure) => {
                self.standing(document).fill_again(Instant::now());
                tracing::debug!(%document, %failure, "a copy was not stored");
            }
        }
        false
    }

    async fn store(
        &self,
        document: Document,
        named: &Named,
        bytes: &[u8],
    ) -> Result<Filled, Failure> {
        if faults::is_left_out(Rule::LateFill) {
            let set = cmd("SET").arg(self.speaker.keys.copy(document)).arg(bytes).to_owned();
            return self.values.ask(&set, self.habits.value_budget).await.map(|_| Filled::Stored);
        }
        if !self.can_script() {
            return transaction::fill(self, document, named, bytes).await;
        }
        let call = self.speaker.fill(document, named, bytes, self.habits.life);
        let answer = call.run(&self.values, self.habits.value_budget).await?;
        Filled::read(answer).map_err(Failure::Server)
    }

    /// Whether somebody else was faster. Who may not ask stores it anyway.
    async fn has_copy(&self, document: Document) -> bool {
        let exists = cmd("EXISTS").arg(self.speaker.keys.copy(document)).to_owned();
        let answer = self.commands.ask(&exists, self.habits.command_budget).await;
        matches!(answer, Ok(::redis::Value::Int(1)))
    }

    /// Compares when there is a connection: once a second, and whenever somebody asks for it.
    pub(super) async fn compare_always(&self) {
        let mut links = self.commands.states();
        loop {
            if *links.borrow_and_update() != State::Up {
                // What the record says may be another server's by the time there is one again.
                Document::all().for_each(|document| self.standing(document).forget());
                self.scripting.doubt(Instant::now());
                if links.changed().await.is_err() {
                    return;
                }
                continue;
            }
            // Whoever waits for one asks for the next at once; one that failed is not to be repeated
            // as fast as the server can refuse.
            if self.compare().await {
                self.comparisons.send_modify(|count| *count += 1);
            }
            let pause = self.habits.compare_every.mul_f64(0.8 + 0.4 * fastrand::f64());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.compare_now.notified() => {}
                _ = links.changed() => {}
            }
        }
    }

    /// Waits for a comparison that begins now, as long as is reasonable.
    pub(super) async fn synchronise(&self) {
        let mut comparisons = self.comparisons.subscribe();
        // One may be under way that began earlier.
        let wanted = *comparisons.borrow_and_update() + 2;
        let compared = async {
            while *comparisons.borrow_and_update() < wanted {
                self.compare_now.notify_one();
                if comparisons.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(SYNC_WITHIN, compared).await;
    }

    async fn compare(&self) -> bool {
        let is_copied = |document: &Document| {
            self.standing(*document).held().is_some_and(|held| held.is_present())
        };
        let copied: Vec<_> = Document::all().filter(is_copied).collect();
        let survey = match self.survey(&copied).await {
            Ok(survey) => survey,
            Err(failure) => {
                self.not_compared(failure).await;
                return false;
            }
        };
        self.kept.comparisons.fetch_add(1, Ordering::Relaxed);
        if !survey.directory.is_empty() && survey.directory != self.speaker.directory {
            self.find_other_directory(&survey.directory);
            return true;
        }
        self.find_own_directory();
        *lock(&self.kept.compared) = Some(Instant::now());
        if let Some(complaint) = &survey.complaint {
            self.complain(complaint);
        }
        let is_first = self.kept.comparisons.load(Ordering::Relaxed) == 1;
        if faults::is_left_out(Rule::Comparison) && !is_first {
            return true;
        }
        self.compare_with(&survey.record, |document| {
            let place = copied.iter().position(|copied| *copied == document)?;
            survey.copies.as_ref().map(|copies| copies[place])
        });
        true
    }

    /// The record and which copies there are, by a script if the server runs one.
    async fn survey(&self, copied: &[Document]) -> Result<Survey, Failure> {
        if self.scripting.is_worth_asking(Instant::now()) {
            let call = self.speaker.survey(copied);
            match call.run(&self.commands, self.habits.command_budget).await {
                Err(Failure::Server(error)) if refuses_command(&error) => {
                    self.note_refusal(&error);
                }
                answer => {
                    let answer = answer?;
                    self.take_up_scripts();
                    return Survey::read(answer, copied.len()).map_err(Failure::Server);
                }
            }
        }
        transaction::survey(self, copied).await
    }

    fn compare_with(&self, record: &Record, has_copy: impl Fn(Document) -> Option<bool>) {
        let now = Instant::now();
        let mut is_news = false;
        for document in Document::all() {
            let (recorded, has_copy) = (record.get(document), has_copy(document));
            let has_copy = has_copy.filter(|_| self.habits.fills);
            let verdict = self.standing(document).compare(recorded, has_copy, now);
            match verdict {
                Verdict::Same => {}
                Verdict::Announce(repair) => {
                    let count = match repair {
                        Repair::Missing => &self.kept.missing,
                        Repair::Behind | Repair::Unbelievable => &self.kept.behind,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    is_news = true;
                }
                Verdict::Look => self.hint(document),
                Verdict::Rename => {
                    tracing::warn!(%document, recorded = ?recorded, "redis tells of a newer content than the file holds: a restored folder? The file decides, and gets a new name");
                    self.kept.renamed.fetch_add(1, Ordering::Relaxed);
                    self.hint(document);
                }
            }
        }
        if is_news {
            self.news.notify_one();
        }
        self.fills.notify_one();
    }

    async fn not_compared(&self, failure: Failure) {
        let Failure::Server(error) = failure else { return };
        if error.code() == Some("WRONGTYPE") {
            // Somebody has put something else in its place. Nothing in it is lost: it is all in the files.
            self.complain("the record was replaced by something else; it is made anew");
            let unlink = cmd("UNLINK").arg(self.speaker.keys.record()).to_owned();
            let _ = self.commands.ask(&unlink, self.habits.command_budget).await;
            return;
        }
        self.note_refusal(&error);
    }

    /// Tells of a refusal. Whether another way may be tried: scripts are not allowed.
    fn note_refusal(&self, error: &RedisError) -> bool {
        self.complain(&error.to_string());
        refuses_command(error) && self.give_up_scripts()
    }
}

/// Whether a command is refused to this user or to everybody, as far as it is no part of a script.
fn refuses_command(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
        || error.detail().is_some_and(|detail| detail.starts_with("unknown command"))
}

/// The server says so with a code of its own, a script with a word in its error.
fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
        || error
            .detail()
            .is_some_and(|detail| detail.contains("OOM ") || detail.contains("maxmemory"))
}
