//! What becomes of proposals.

use horde_model_reference::queue::{Decision, Draft, Filter, QueueError, Refusal, Status};
use horde_model_reference::{Category, Json};

use crate::stage::{Folder, approve, approver, create, delete, requestor};

#[tokio::test]
async fn a_proposal_is_approved_applied_and_told_in_order() {
    let folder = Folder::new();
    let primary = folder.open();
    let queue = primary.queue();
    for name in ["one", "two"] {
        queue.propose(create(name), &requestor(), None).await.unwrap();
    }
    assert_eq!(primary.pending_queue().await.view.entries().len(), 2);
    let decided = queue.decide(approve(&[1, 2]), &approver()).await.unwrap();
    assert_eq!(decided.batch_id, Some(1));
    let applied = queue.apply(&[1], Some("night".into()), &approver(), None).await.unwrap();
    assert_eq!(applied.entries[0].status, Status::Applied);
    let split = applied.split.unwrap();
    assert_eq!((split.original, split.new, split.reassigned), (1, 2, vec![2]));
    assert!(primary.category(Category::Clip).await.view.records().unwrap().contains_key("one"));
    assert_eq!(
        folder.events(),
        [
            "pending_queue:1:enqueue",
            "pending_queue:2:enqueue",
            "pending_queue:1:approve",
            "pending_queue:2:approve",
            "clip:one:create",
            "pending_queue:1:apply",
            "pending_queue:queue:batch_split",
        ]
    );
    let index = folder.json("pending_queue/index.json");
    assert_eq!(index.to_string(), r#"{"last_change_id":2,"last_batch_id":2}"#);
    let again = queue.apply(&[1], None, &approver(), None).await.unwrap();
    let status = Status::Applied;
    assert_eq!(
        again.failed,
        Some((1, QueueError::Refused(Refusal::NotApproved { id: 1, status })))
    );
}

#[tokio::test]
async fn what_cannot_be_stored_is_approved_again_and_says_why() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    queue.propose(delete("nobody"), &requestor(), None).await.unwrap();
    queue.decide(approve(&[1]), &approver()).await.unwrap();
    let applied = queue.apply(&[1], None, &approver(), None).await.unwrap();
    let Some((1, QueueError::Store(error))) = applied.failed else { panic!("{applied:?}") };
    assert!(error.to_string().contains("nobody"), "{error}");
    assert_eq!(folder.statuses(), [(1, "approved".to_owned())]);
    assert!(
        folder.json("pending_queue/changes.json").as_array().unwrap()[0]
            .get("applied_by")
            .is_none()
    );
}

#[tokio::test]
async fn a_decision_is_made_wholly_or_not_at_all_and_uses_up_no_number() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    queue.propose(create("one"), &requestor(), None).await.unwrap();
    for ids in [&[1, 99][..], &[99]] {
        let refused = queue.decide(approve(ids), &approver()).await;
        assert_eq!(refused, Err(QueueError::Refused(Refusal::NotFound(99))));
    }
    assert_eq!(folder.statuses(), [(1, "pending".to_owned())]);
    let decided = queue.decide(approve(&[1]), &approver()).await.unwrap();
    assert_eq!(decided.batch_id, Some(1));
}

#[tokio::test]
async fn a_repeated_request_is_one_proposal() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    let request = || Some("r".to_owned());
    let first = queue.propose(create("one"), &requestor(), request()).await.unwrap();
    let again = queue.propose(create("one"), &requestor(), request()).await.unwrap();
    assert_eq!(first, again);
    let other = queue.propose(create("two"), &requestor(), request()).await;
    assert_eq!(other, Err(QueueError::Refused(Refusal::RequestReused(1))));
    let of_another = queue.propose(create("two"), &approver(), request()).await.unwrap();
    assert_eq!(of_another.id, 2);
}

#[tokio::test]
async fn a_repeated_deletion_is_one_proposal_though_the_record_changed() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    let request = || Some("r".to_owned());
    let first = queue.propose(delete("one"), &requestor(), request()).await.unwrap();
    let now_with = Draft { payload: create("one").payload, ..delete("one") };
    assert_eq!(queue.propose(now_with, &requestor(), request()).await, Ok(first));
}

#[tokio::test]
async fn a_repeated_apply_finds_what_is_done() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    queue.propose(create("one"), &requestor(), None).await.unwrap();
    queue.decide(approve(&[1]), &approver()).await.unwrap();
    for _ in 0..2 {
        let applied = queue.apply(&[1], None, &approver(), Some("r")).await.unwrap();
        assert_eq!((applied.entries.len(), applied.failed), (1, None));
    }
    assert_eq!(folder.events().len(), 4);
}

#[tokio::test]
async fn purged_numbers_are_not_given_again() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    for name in ["one", "two"] {
        queue.propose(create(name), &requestor(), None).await.unwrap();
    }
    let only = Filter { model_name: Some("ONE".into()), ..Filter::default() };
    assert_eq!(queue.purge(only.clone(), true, &approver()).await, Ok(vec![1]));
    assert_eq!(queue.purge(only, false, &approver()).await, Ok(vec![1]));
    assert_eq!(queue.purge(Filter::default(), false, &approver()).await, Ok(vec![2]));
    let next = folder.open().queue().propose(create("three"), &requestor(), None).await.unwrap();
    assert_eq!(next.id, 3);
    assert!(folder.events().contains(&"pending_queue:2:purge".to_owned()));
}

#[tokio::test]
async fn of_many_who_decide_and_apply_the_same_one_does() {
    let folder = Folder::new();
    let workers = [folder.open(), folder.open(), folder.open()];
    workers[0].queue().propose(create("one"), &requestor(), None).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in &workers {
        let queue = worker.queue();
        tasks.spawn(async move { queue.decide(approve(&[1]), &approver()).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|won| *won).count(), 1);
    let mut tasks = tokio::task::JoinSet::new();
    for worker in &workers {
        let queue = worker.queue();
        tasks.spawn(async move { queue.apply(&[1], None, &approver(), None).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|applied| applied.failed.is_none()).count(), 1);
    let created = folder.events().into_iter().filter(|event| event == "clip:one:create");
    assert_eq!(created.count(), 1);
}

#[tokio::test]
async fn proposals_of_all_processes_have_numbers_of_their_own() {
    let folder = Folder::new();
    let workers = [folder.open(), folder.open(), folder.open()];
    let mut tasks = tokio::task::JoinSet::new();
    for (number, worker) in workers.iter().cycle().take(60).enumerate() {
        let queue = worker.queue();
        tasks.spawn(async move {
            let draft = create(&format!("m{number}"));
            queue.propose(draft, &requestor(), None).await.unwrap().id
        });
    }
    let mut ids = tasks.join_all().await;
    ids.sort_unstable();
    assert_eq!(ids, (1..=60).collect::<Vec<i64>>());
    assert_eq!(folder.statuses().len(), 60);
    let mut told = folder.events();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 60);
}

#[tokio::test]
async fn rejections_carry_their_reason() {
    let folder = Folder::new();
    let queue = folder.open().queue();
    queue.propose(create("one"), &requestor(), None).await.unwrap();
    let reason = Some("no".to_owned());
    let decision = Decision { rejected: vec![1], reason, ..approve(&[]) };
    let decided = queue.decide(decision, &approver()).await.unwrap();
    assert_eq!((decided.batch_id, decided.rejected[0].batch_id), (None, None));
    let changes = folder.json("pending_queue/changes.json");
    let stored = &changes.as_array().unwrap()[0];
    assert_eq!(stored.get("reject_reason").and_then(Json::as_str), Some("no"));
}
