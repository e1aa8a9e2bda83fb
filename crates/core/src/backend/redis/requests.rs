//! What others ask of the thread that owns the connections.

use std::sync::mpsc::SyncSender;
use std::time::Instant;

use ::redis::{Cmd, Value};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use super::check::Said;
use super::copies::Copy;
use super::record::Named;
use super::status::ServerStatistics;
use super::{Redis, Shared};
use crate::Document;

/// Requests served at the same time.
const AT_ONCE: usize = 16;

/// Something to be done there.
pub(super) enum Request {
    /// Read a copy. Whoever asks has no runtime and stops waiting at the deadline.
    Copy { document: Document, deadline: Instant, answer: SyncSender<Option<Copy>> },
    /// Read what the record says of a document, and its copy. Whoever asks has no runtime.
    Said { document: Document, answer: SyncSender<Option<Said>> },
    /// Remove a copy of this length that is not the document's, unless the record has moved.
    RemoveStale { document: Document, named: Named, length: usize, answer: SyncSender<bool> },
    /// Run a command about a shared result, on the connection for values. Its asker waits like that
    /// of a copy, and has one at a time.
    Made { command: Cmd, deadline: Instant, answer: SyncSender<Option<Value>> },
    /// Ask the server about itself.
    Statistics { answer: oneshot::Sender<ServerStatistics> },
    /// Whether the server answers.
    Ping { answer: oneshot::Sender<bool> },
    /// Drop the copies of documents, and tell everybody to look at them.
    MarkStale { documents: Vec<Document>, answer: oneshot::Sender<bool> },
    /// Store copies of everything that has none. Answers how many there are then, of how many.
    Warm { answer: oneshot::Sender<Warmed> },
}

/// What warming came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Documents that have a current copy now.
    pub stored: Vec<Document>,
    /// Documents whose copy could not be stored.
    pub failed: Vec<Document>,
}

impl Shared {
    /// Serves requests, some at the same time.
    pub(super) async fn serve(&self, mut asked: mpsc::Receiver<Request>) {
        let mut served = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(request) = asked.recv(), if served.len() < AT_ONCE => {
                    served.push(self.serve_one(request));
                }
                Some(()) = served.next() => {}
                else => return,
            }
        }
    }

    async fn serve_one(&self, request: Request) {
        // Whoever asked may have stopped waiting.
        match request {
            Request::Copy { document, deadline, answer } => {
                let _ = answer.try_send(self.read_copy(document, deadline).await);
            }
            Request::Said { document, answer } => {
                let deadline = Instant::now() + self.habits.value_budget;
                let _ = answer.try_send(self.read_said(document, deadline).await);
            }
            Request::RemoveStale { document, named, length, answer } => {
                let _ = answer.try_send(self.remove_stale(document, &named, length).await);
            }
            Request::Made { command, deadline, answer } => {
                let _ = answer.try_send(self.ask_about_made(&command, deadline).await);
            }
            Request::Statistics { answer } => {
                let _ = answer.send(self.ask_statistics().await);
            }
            Request::Ping { answer } => {
                let ping = ::redis::cmd("PING");
                let answered = self.commands.ask(&ping, self.habits.command_budget).await;
                let _ = answer.send(answered.is_ok());
            }
            Request::MarkStale { documents, answer } => {
                let _ = answer.send(self.invalidate(&documents).await);
            }
            Request::Warm { answer } => {
                let _ = answer.send(self.warm().await);
            }
        }
    }
}

impl Shared {
    /// Drops the copies of documents and tells everybody to look at them. Whether the server did.
    async fn invalidate(&self, documents: &[Document]) -> bool {
        if !self.may_share() {
            return false;
        }
        let mut done = self.speaker.publishes;
        for document in documents {
            let told = self.speaker.told_to_look(*document);
            done &= self.drop_and_tell(*document, told).await.is_ok();
        }
        // They are not stale for long.
        self.compare_now.notify_one();
        done
    }

    /// Stores the copy of everything that is held, whoever else may be about to.
    async fn warm(&self) -> Warmed {
        self.synchronise().await;
        let is_held = |document: &Document| self.standing(*document).fill_now();
        let documents: Vec<_> = Document::all().filter(is_held).collect();
        let filled = join_all(documents.iter().map(|document| self.fill_one(*document))).await;
        let mut warmed = Warmed::default();
        for (document, is_stored) in documents.into_iter().zip(filled) {
            let list = if is_stored { &mut warmed.stored } else { &mut warmed.failed };
            list.push(document);
        }
        warmed
    }
}

impl Redis {
    /// Asks the thread something; `None` if it has too much to do, or has ended.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.shared.requests.try_send(request(answer)).ok()?;
        answered.await.ok()
    }

    /// What the server tells of itself, asked now. All zero and not connected where it does not answer.
    pub async fn server_statistics(&self) -> ServerStatistics {
        self.ask(|answer| Request::Statistics { answer }).await.unwrap_or_default()
    }

    /// Whether the server answers now.
    pub async fn ping(&self) -> bool {
        self.ask(|answer| Request::Ping { answer }).await.unwrap_or(false)
    }

    /// Drops the copies of documents and tells every process to look at them. Whether the server did.
    pub async fn mark_stale(&self, documents: Vec<Document>) -> bool {
        self.ask(|answer| Request::MarkStale { documents, answer }).await.unwrap_or(false)
    }

    /// Stores the copies of all documents that are held and have none, all at once. A failure with one
    /// does not stop the others.
    pub async fn warm(&self) -> Warmed {
        self.ask(|answer| Request::Warm { answer }).await.unwrap_or_default()
    }
}
