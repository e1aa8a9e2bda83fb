//! Every step of which something else is wanted than was recorded, by the fault it shows or
//! follows from.
//!
//! The longest reason is X02: a whole batch that is applied in one call stays one batch, and what
//! is left over moves to one other batch, once. So batch numbers and numbers of events are smaller
//! than recorded from there on.

use crate::wanted::Edit::{Ask, Insert, Remove, Set, Status};
use crate::wanted::Wanted;

pub const WANTED: &[Wanted] = &[
    Wanted {
        file: "audit-net-changes",
        step: 15,
        fault: "X07",
        edits: &[
            Set("/batch_title", r#""delete""#),
            Set(
                "/model_changes/0",
                r#"{
                    "model_name": "Gale",
                    "category": "image_generation",
                    "net_operation": "deleted",
                    "before_state": {
                        "record_type": "image_generation",
                        "name": "Gale",
                        "description": "Test entry.",
                        "metadata": {
                            "schema_version": "2.1.0",
                            "created_at": "<timestamp>",
                            "updated_at": "<timestamp>"
                        },
                        "config": "<any>",
                        "model_classification": {"domain": "image", "purpose": "generation"},
                        "licensing": "<any>",
                        "inpainting": false,
                        "baseline": "stable_diffusion_1",
                        "tags": ["b"],
                        "showcases": [],
                        "trigger": [],
                        "nsfw": true
                    },
                    "after_state": null,
                    "field_diffs": "<any>",
                    "is_critical": true
                }"#,
            ),
            Set("/models_deleted", "1"),
            Set("/total_field_changes", "22"),
            Set("/has_critical_changes", "true"),
        ],
    },
    Wanted { file: "audit-net-changes-gaps", step: 3, fault: "X05", edits: FIRST_EVENT_ADDS },
    Wanted {
        file: "audit-net-changes-gaps",
        step: 8,
        fault: "X06",
        edits: &[
            Set("/model_changes/0/net_operation", r#""modified""#),
            // What the event tells of it.
            Set("/model_changes/0/before_state", "\"<any>\""),
            Set("/model_changes/0/after_state", "\"<any>\""),
            Set("/model_changes/0/field_diffs", "\"<any>\""),
            Set("/model_changes/0/is_critical", "true"),
            Set("/models_modified", "1"),
            Set("/models_unchanged", "0"),
            Set("/total_field_changes", "\"<count>\""),
            Set("/has_critical_changes", "true"),
        ],
    },
    Wanted {
        file: "audit-net-changes-gaps",
        step: 11,
        fault: "X06",
        edits: &[
            Set("/model_changes/0/net_operation", r#""deleted""#),
            Set("/model_changes/0/before_state", "\"<any>\""),
            Set("/model_changes/0/field_diffs", CINDER_REMOVED),
            Set("/model_changes/0/is_critical", "true"),
            Set("/models_deleted", "1"),
            Set("/models_unchanged", "0"),
            Set("/total_field_changes", "17"),
            Set("/has_critical_changes", "true"),
        ],
    },
    Wanted {
        file: "audit-rotation",
        step: 6,
        fault: "lines of ours are longer, so that a segment holds two of them",
        edits: &[
            Remove("audit/v2/pending_queue/audit-000001.jsonl/2"),
            Remove("audit/v2/pending_queue/audit-000002.jsonl/2"),
            Set("audit/v2/pending_queue/audit-000002.jsonl/0/event_id", "3"),
            Set("audit/v2/pending_queue/audit-000002.jsonl/0/model_name", "\"3\""),
            Set("audit/v2/pending_queue/audit-000002.jsonl/0/payload/after/change_id", "3"),
            Set("audit/v2/pending_queue/audit-000002.jsonl/0/payload/after/model", "\"c3\""),
            Set("audit/v2/pending_queue/audit-000002.jsonl/1/event_id", "4"),
            Set("audit/v2/pending_queue/audit-000002.jsonl/1/model_name", "\"4\""),
            Set("audit/v2/pending_queue/audit-000002.jsonl/1/payload/after/change_id", "4"),
            Set("audit/v2/pending_queue/audit-000002.jsonl/1/payload/after/model", "\"c4\""),
        ],
    },
    Wanted { file: "queue-v1-mirror", step: 12, fault: "X05", edits: FIRST_EVENT_ADDS },
    Wanted {
        file: "audit-views",
        step: 10,
        fault: "X02",
        edits: &[
            Set("/applied/1/batch_id", "2"),
            Set("/batch_split_occurred", "false"),
            Remove("/batch_split_original_batch_id"),
            Remove("/batch_split_new_batch_id"),
            Remove("/batch_split_reassigned_count"),
        ],
    },
    Wanted {
        file: "audit-views",
        step: 13,
        fault: "X02",
        edits: &[
            Remove("/batches/0"),
            Set("/batches/0/batch_title", r#""beta""#),
            Set("/batches/0/approved_change_count", "2"),
            Set("/batches/0/applied_change_count", "2"),
            Set("/batches/0/total_change_count", "2"),
            Set("/batches/0/last_event_id", "17"),
        ],
    },
    Wanted {
        file: "audit-views",
        step: 14,
        fault: "X02",
        edits: &[Set("/batches/0", BETA), Set("/next_cursor", "2")],
    },
    Wanted { file: "audit-views", step: 15, fault: "X02", edits: &[Set("/batches/0", BETA)] },
    Wanted {
        file: "audit-views",
        step: 18,
        fault: "X02",
        edits: &[
            Set("/batch_title", r#""beta""#),
            Set("/approved_change_count", "2"),
            Set("/applied_change_count", "2"),
            Set("/total_change_count", "2"),
            Set("/last_event_id", "17"),
            Set(
                "/changes/1",
                r#"{
                    "change_id": 4,
                    "status": "applied",
                    "operation": "create",
                    "category": "clip",
                    "model_name": "c4",
                    "requested_by": "101",
                    "requested_at": "<timestamp>",
                    "approved_by": "202",
                    "approved_at": "<timestamp>",
                    "rejected_by": null,
                    "rejected_at": null,
                    "reject_reason": null,
                    "applied_by": "202",
                    "applied_at": "<timestamp>",
                    "applied_job_id": "j2",
                    "batch_id": 2,
                    "batch_title": "beta",
                    "events": [
                        {
                            "event_id": 4,
                            "timestamp": "<timestamp>",
                            "action": "enqueue",
                            "logical_user_id": "101",
                            "payload": {
                                "change_id": 4,
                                "operation": "create",
                                "category": "clip",
                                "action": "enqueue",
                                "model": "c4"
                            }
                        },
                        {
                            "event_id": 13,
                            "timestamp": "<timestamp>",
                            "action": "approve",
                            "logical_user_id": "202",
                            "payload": {
                                "change_id": 4,
                                "batch_id": 2,
                                "batch_title": "beta",
                                "action": "approve"
                            }
                        },
                        {
                            "event_id": 17,
                            "timestamp": "<timestamp>",
                            "action": "apply",
                            "logical_user_id": "202",
                            "payload": {
                                "change_id": 4,
                                "batch_id": 2,
                                "job_id": "j2",
                                "action": "apply"
                            }
                        }
                    ]
                }"#,
            ),
        ],
    },
    Wanted {
        file: "audit-views",
        step: 19,
        fault: "X02",
        edits: &[Status(404), Set("", r#"{"detail": "Batch not found"}"#)],
    },
    Wanted {
        file: "audit-views",
        step: 32,
        fault: "X02",
        edits: &[
            Set("audit/index.json/last_event_id", "18"),
            // The second split is gone, and the events after it come earlier.
            Remove("audit/v2/pending_queue/audit-000001.jsonl/13"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/13/event_id", "17"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/13/payload/after/batch_id", "2"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/14/event_id", "18"),
        ],
    },
    Wanted {
        file: "legacy-queue-image",
        step: 15,
        fault: "X02",
        edits: &[
            Set("/applied/1/batch_id", "1"),
            Set("/applied/2/batch_id", "1"),
            Set("/applied/3/batch_id", "1"),
            Set("/batch_split_occurred", "false"),
            Remove("/batch_split_original_batch_id"),
            Remove("/batch_split_new_batch_id"),
            Remove("/batch_split_reassigned_count"),
        ],
    },
    Wanted {
        file: "legacy-queue-image",
        step: 19,
        fault: "X02",
        edits: &[
            Remove("/batches/2"),
            Remove("/batches/1"),
            Remove("/batches/0"),
            Set("/batches/0/approved_change_count", "4"),
            Set("/batches/0/applied_change_count", "4"),
            Set("/batches/0/total_change_count", "4"),
            Set("/batches/0/last_event_id", "16"),
        ],
    },
    Wanted {
        file: "legacy-queue-image",
        step: 20,
        fault: "X02, X05, X06",
        edits: &[
            Set("/model_changes/0/net_operation", r#""added""#),
            Set("/model_changes/0/before_state", "null"),
            Set("/model_changes/0/field_diffs", "\"<any>\""),
            Set("/model_changes/0/is_critical", "true"),
            Insert("/model_changes/1", "\"<any>\""),
            Insert("/model_changes/2", "\"<any>\""),
            // The record of the fourth is not of this format.
            Insert(
                "/model_changes/3",
                r#"{
                    "model_name": "clip maker",
                    "category": "video_generation",
                    "net_operation": "unchanged",
                    "before_state": null,
                    "after_state": null,
                    "field_diffs": [],
                    "is_critical": false
                }"#,
            ),
            Set("/models_added", "1"),
            Set("/models_modified", "1"),
            Set("/models_deleted", "1"),
            Set("/total_field_changes", "\"<count>\""),
            Set("/has_critical_changes", "true"),
        ],
    },
    Wanted {
        file: "legacy-queue-image",
        step: 21,
        fault: "X02",
        edits: &[
            Set("pending_queue/changes.json/1/batch_id", "1"),
            Set("pending_queue/changes.json/2/batch_id", "1"),
            Set("pending_queue/changes.json/3/batch_id", "1"),
            Set("pending_queue/index.json/last_batch_id", "1"),
            Set("audit/index.json/last_event_id", "16"),
            // X04 in the same line: a side that is missing is told.
            Set(
                "audit/legacy/image_generation/audit-000001.jsonl/1/payload/delta/homepage/new",
                "null",
            ),
            Set(
                "audit/legacy/image_generation/audit-000001.jsonl/1/payload/delta/metadata/old",
                "null",
            ),
            Set(
                "audit/legacy/image_generation/audit-000001.jsonl/1/payload/delta/showcases/new",
                "null",
            ),
            Set(
                "audit/legacy/image_generation/audit-000001.jsonl/1/payload/delta/tags/new",
                "null",
            ),
            Set(
                "audit/legacy/image_generation/audit-000001.jsonl/1/payload/delta/trigger/new",
                "null",
            ),
            Set("audit/legacy/image_generation/audit-000001.jsonl/1/event_id", "11"),
            Set("audit/legacy/image_generation/audit-000001.jsonl/2/event_id", "13"),
            Set("audit/v2/video_generation/audit-000001.jsonl/0/event_id", "15"),
            Remove("audit/legacy/pending_queue/audit-000001.jsonl/9"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/9/event_id", "12"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/9/payload/after/batch_id", "1"),
            Remove("audit/legacy/pending_queue/audit-000001.jsonl/10"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/10/event_id", "14"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/10/payload/after/batch_id", "1"),
            Remove("audit/legacy/pending_queue/audit-000001.jsonl/11"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/11/event_id", "16"),
            Set("audit/legacy/pending_queue/audit-000001.jsonl/11/payload/after/batch_id", "1"),
        ],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 4,
        fault: "D35",
        edits: &[Status(422), Set("", r#"{"detail": "<any>"}"#)],
    },
    // So what follows it has a smaller number.
    Wanted { file: "legacy-queue-text", step: 5, fault: "D35", edits: &[Set("/change_id", "4")] },
    Wanted {
        file: "legacy-queue-text",
        step: 6,
        fault: "D35",
        edits: &[Remove("/items/3"), Set("/items/3/change_id", "4"), Set("/total", "4")],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 7,
        fault: "D35",
        edits: &[
            Ask(r#"{"batch_title": "text", "approved_ids": [1, 2, 3, 4]}"#),
            Remove("/approved/3"),
            Set("/approved/3/change_id", "4"),
        ],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 8,
        fault: "X02, D35",
        edits: &[
            Set("/applied/1/batch_id", "1"),
            Set("/applied/2/batch_id", "1"),
            Set("/batch_split_original_batch_id", "1"),
            Set("/batch_split_new_batch_id", "2"),
            Set("/batch_split_reassigned_count", "1"),
        ],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 9,
        fault: "D35",
        edits: &[Set("/detail", r#""no/Params: 'parameters' field is required""#)],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 10,
        fault: "D35",
        edits: &[Status(404), Set("/detail", r#""Change 5 not found.""#)],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 11,
        fault: "D29",
        edits: &[
            Set("/nova~1Nova-3B-Chat/nsfw", "true"),
            Set("/aphrodite~1nova~1Nova-3B-Chat/nsfw", "true"),
            Set("/koboldcpp~1Nova-3B-Chat/nsfw", "true"),
        ],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 12,
        fault: "D29; and the times that are known are kept",
        edits: &[
            Set("/nova~1Nova-3B-Chat/nsfw", "true"),
            Set("/nova~1Nova-3B-Chat/metadata", "\"<any>\""),
            Set("/comet-labs~1Comet-7B-Instruct/metadata", "\"<any>\""),
            Set("/comet-labs~1Comet-13B-Instruct/metadata", "\"<any>\""),
            Set("/nimbus~1Nimbus-Small-8B/metadata", "\"<any>\""),
        ],
    },
    Wanted {
        file: "legacy-queue-text",
        step: 14,
        fault: "X02, D35",
        edits: &[
            Set("audit/legacy/text_generation/audit-000001.jsonl/0/event_id", "9"),
            Set("audit/legacy/text_generation/audit-000001.jsonl/1/event_id", "11"),
            Set("audit/legacy/text_generation/audit-000001.jsonl/2/event_id", "13"),
        ],
    },
    Wanted {
        file: "queue-apply-batch",
        step: 10,
        fault: "X02",
        edits: &[
            Set("/applied/1/batch_id", "1"),
            Set("/applied/2/batch_id", "1"),
            Set("/batch_split_occurred", "false"),
            Remove("/batch_split_original_batch_id"),
            Remove("/batch_split_new_batch_id"),
            Remove("/batch_split_reassigned_count"),
        ],
    },
    Wanted {
        file: "queue-apply-batch",
        step: 12,
        fault: "X02",
        edits: &[Status(404), Set("", r#"{"detail": "No changes found for batch 2"}"#)],
    },
    Wanted {
        file: "queue-apply-batch",
        step: 13,
        fault: "X02",
        edits: &[Status(404), Set("", r#"{"detail": "No changes found for batch 3"}"#)],
    },
    Wanted {
        file: "queue-apply-batch",
        step: 15,
        fault: "X02",
        edits: &[Set("/items/1/batch_id", "1"), Set("/items/2/batch_id", "1")],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 14,
        fault: "X02",
        edits: &[
            Set("/applied/1/batch_id", "1"),
            Set("/batch_split_original_batch_id", "1"),
            Set("/batch_split_new_batch_id", "2"),
        ],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 15,
        fault: "X02",
        edits: &[Set("/batch_id", "2"), Set("/approved/*/batch_id", "2")],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 16,
        fault: "X02",
        edits: &[Set(
            "/detail",
            r#""All changes must belong to the same batch. Found batch IDs: [1, 2]""#,
        )],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 18,
        fault: "X02",
        edits: &[
            Set("/applied/0/batch_id", "2"),
            Set("/batch_split_original_batch_id", "2"),
            Set("/batch_split_new_batch_id", "3"),
        ],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 19,
        fault: "X02",
        edits: &[
            Set("/items/0/batch_id", "1"),
            Set("/items/2/batch_id", "2"),
            Set("/items/3/batch_id", "3"),
            Set("/items/4/batch_id", "3"),
        ],
    },
    Wanted {
        file: "queue-apply-bulk",
        step: 20,
        fault: "X02",
        edits: &[
            Set("pending_queue/index.json/last_batch_id", "3"),
            Remove("audit/v2/pending_queue/audit-000001.jsonl/9"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/9/event_id", "12"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/9/payload/after/batch_id", "1"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/10/event_id", "13"),
            Set(
                "audit/v2/pending_queue/audit-000001.jsonl/10/payload/after/original_batch_id",
                "1",
            ),
            Set("audit/v2/pending_queue/audit-000001.jsonl/10/payload/after/new_batch_id", "2"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/11/event_id", "14"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/11/payload/after/batch_id", "2"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/12/event_id", "15"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/12/payload/after/batch_id", "2"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/13/event_id", "17"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/13/payload/after/batch_id", "2"),
            Set("audit/v2/pending_queue/audit-000001.jsonl/14/event_id", "18"),
            Set(
                "audit/v2/pending_queue/audit-000001.jsonl/14/payload/after/original_batch_id",
                "2",
            ),
            Set("audit/v2/pending_queue/audit-000001.jsonl/14/payload/after/new_batch_id", "3"),
        ],
    },
    Wanted {
        file: "queue-apply-single",
        step: 21,
        fault: "X04",
        edits: &[
            Set(
                "audit/v2/image_generation/audit-000001.jsonl/0/payload/delta/homepage/new",
                "null",
            ),
            Set(
                "audit/v2/image_generation/audit-000001.jsonl/0/payload/delta/licensing/old",
                "null",
            ),
            Set(
                "audit/v2/image_generation/audit-000001.jsonl/0/payload/delta/size_on_disk_bytes/new",
                "null",
            ),
            Set("audit/v2/image_generation/audit-000001.jsonl/0/payload/delta/style/new", "null"),
            Set("audit/v2/image_generation/audit-000001.jsonl/0/payload/delta/version/new", "null"),
        ],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 0,
        fault: "X01",
        edits: &[Remove("/payload/parameters_count"), Set("/payload/parameters", "3000000000")],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 1,
        fault: "X01",
        edits: &[
            Remove("/approved/0/payload/parameters_count"),
            Set("/approved/0/payload/parameters", "3000000000"),
        ],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 2,
        fault: "X01",
        edits: &[
            Status(200),
            Set(
                "",
                r#"{
                    "record": {
                        "change_id": 1,
                        "resource_kind": "model_reference",
                        "category": "text_generation",
                        "model_name": "nova/Nova-3B",
                        "operation": "create",
                        "payload": "<any>",
                        "requested_by": "101",
                        "requested_username": "requestor#101",
                        "requested_at": "<timestamp>",
                        "status": "applied",
                        "batch_id": 1,
                        "batch_title": "t",
                        "approved_by": "201",
                        "approved_username": "approver#201",
                        "approved_at": "<timestamp>",
                        "applied_at": "<timestamp>",
                        "applied_by": "201",
                        "applied_username": "approver#201",
                        "applied_job_id": "apply-1-<id>",
                        "updated_at": "<timestamp>",
                        "request_metadata": {"route": "create_v2_text_generation"},
                        "related_models": ["aphrodite/nova/Nova-3B", "koboldcpp/Nova-3B"]
                    },
                    "batch_split_occurred": false
                }"#,
            ),
        ],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 3,
        fault: "X01",
        edits: &[
            Status(400),
            Set("/failed_error", r#""Change 1 is not approved (status=applied).""#),
            Set("/failed_error_type", r#""PendingChangeStateError""#),
        ],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 4,
        fault: "X01",
        edits: &[Status(200), Set("", r#"{"applied": [], "batch_split_occurred": false}"#)],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 5,
        fault: "X01",
        edits: &[
            Remove("/payload/parameters_count"),
            Set("/payload/parameters", "3000000000"),
            Set("/status", r#""applied""#),
            Set("/applied_at", r#""<timestamp>""#),
            Set("/applied_by", r#""201""#),
            Set("/applied_username", r#""approver#201""#),
            Set("/applied_job_id", r#""apply-1-<id>""#),
        ],
    },
    Wanted {
        file: "queue-apply-text-v2",
        step: 6,
        fault: "X01",
        edits: &[
            Remove("pending_queue/changes.json/0/payload/parameters_count"),
            Set("pending_queue/changes.json/0/payload/parameters", "3000000000"),
            Set("pending_queue/changes.json/0/status", r#""applied""#),
            Set("pending_queue/changes.json/0/applied_at", r#""<timestamp>""#),
            Set("pending_queue/changes.json/0/applied_by", r#""201""#),
            Set("pending_queue/changes.json/0/applied_username", r#""approver#201""#),
            Set("pending_queue/changes.json/0/applied_job_id", r#""apply-1-<id>""#),
        ],
    },
    Wanted {
        file: "queue-batch-id-burn",
        step: 3,
        fault: "X03",
        edits: &[Set("/batch_id", "1"), Set("/approved/0/batch_id", "1")],
    },
    Wanted {
        file: "queue-batch-id-burn",
        step: 4,
        fault: "X03",
        edits: &[Set("pending_queue/index.json/last_batch_id", "1")],
    },
    Wanted {
        file: "queue-list-get-diff",
        step: 28,
        fault: "X09",
        edits: &[
            Set("/field_diffs", CINDER_REMOVED),
            Set("/fields_removed", CINDER_FIELDS),
            Set("/is_critical", "true"),
        ],
    },
    Wanted {
        file: "queue-list-get-diff",
        step: 30,
        fault: "X09",
        edits: &[
            Set("/diffs/1/field_diffs", CINDER_REMOVED),
            Set("/diffs/1/fields_removed", CINDER_FIELDS),
            Set("/diffs/1/is_critical", "true"),
        ],
    },
    Wanted {
        file: "queue-propose",
        step: 6,
        fault: "X01",
        edits: &[Remove("/payload/parameters_count"), Set("/payload/parameters", "3000000000")],
    },
    Wanted {
        file: "queue-propose",
        step: 9,
        fault: "X01",
        edits: &[
            Remove("/nova~1Nova-3B-Q4_0/parameters_count"),
            Set("/nova~1Nova-3B-Q4_0/parameters", "3000000000"),
        ],
    },
    Wanted {
        file: "queue-propose",
        step: 14,
        fault: "X01",
        edits: &[
            Remove("pending_queue/changes.json/6/payload/parameters_count"),
            Set("pending_queue/changes.json/6/payload/parameters", "3000000000"),
        ],
    },
    Wanted {
        file: "queue-propose-errors",
        step: 4,
        fault: "D19",
        edits: &[Status(503), Set("/detail", r#""Auth service unavailable""#)],
    },
    Wanted {
        file: "queue-propose-errors",
        step: 15,
        fault: "D01",
        edits: &[Status(202), Set("", "\"<any>\"")],
    },
    Wanted {
        file: "queue-propose-errors",
        step: 17,
        fault: "D01",
        edits: &[
            Status(400),
            Set(
                "/detail",
                r#""Model name 'aphrodite/x' contains a backend prefix (aphrodite/, koboldcpp/). Submit only the base model name — backend duplicates are deleted automatically.""#,
            ),
        ],
    },
    Wanted {
        file: "queue-propose-errors",
        step: 18,
        fault: "D01",
        edits: &[Insert("/items/0", "\"<any>\""), Set("/total", "1")],
    },
    Wanted {
        file: "queue-purge",
        step: 23,
        fault: "X41",
        edits: &[
            Remove("/pending_changes/3"),
            Remove("/pending_changes/2"),
            Remove("/pending_changes/1"),
            Set("/total_pending", "1"),
        ],
    },
    Wanted {
        file: "queue-recovery",
        step: 0,
        fault: "X08",
        edits: &[
            Set("/items/0/status", r#""approved""#),
            Set("/items/0/applied_job_id", "null"),
            Set("/items/0/updated_at", r#""<any>""#),
        ],
    },
    Wanted {
        file: "queue-recovery",
        step: 1,
        fault: "X08",
        edits: &[
            Status(200),
            Set(
                "",
                r#"{
                    "record": {
                        "change_id": 4,
                        "resource_kind": "model_reference",
                        "category": "clip",
                        "model_name": "stuck",
                        "operation": "create",
                        "payload": {"name": "stuck"},
                        "requested_by": "101",
                        "requested_username": "requestor#101",
                        "requested_at": 1700000000,
                        "status": "applied",
                        "batch_id": 3,
                        "batch_title": "t",
                        "approved_by": "201",
                        "approved_username": "approver#201",
                        "approved_at": 1700000001,
                        "applied_at": "<timestamp>",
                        "applied_by": "201",
                        "applied_username": "approver#201",
                        "applied_job_id": "apply-4-<id>",
                        "updated_at": "<timestamp>"
                    },
                    "batch_split_occurred": true,
                    "batch_split_original_batch_id": 3,
                    "batch_split_new_batch_id": 4,
                    "batch_split_reassigned_count": 2
                }"#,
            ),
        ],
    },
    Wanted {
        file: "queue-recovery",
        step: 3,
        fault: "X08",
        edits: &[
            Set("/record/batch_id", "4"),
            Set("/batch_split_original_batch_id", "4"),
            Set("/batch_split_new_batch_id", "5"),
        ],
    },
    Wanted { file: "queue-recovery", step: 5, fault: "X08", edits: &[Set("/batch_id", "5")] },
    Wanted {
        file: "queue-recovery",
        step: 7,
        fault: "X08",
        edits: &[Set("/batch_id", "5"), Set("/approved/0/batch_id", "5")],
    },
    Wanted {
        file: "queue-recovery",
        step: 8,
        fault: "X08",
        edits: &[
            Set("pending_queue/changes.json/0/status", r#""applied""#),
            Set("pending_queue/changes.json/0/applied_at", r#""<timestamp>""#),
            Set("pending_queue/changes.json/0/applied_by", r#""201""#),
            Set("pending_queue/changes.json/0/applied_username", r#""approver#201""#),
            Set("pending_queue/changes.json/0/applied_job_id", r#""apply-4-<id>""#),
            Set("pending_queue/changes.json/0/updated_at", r#""<timestamp>""#),
            Set("pending_queue/changes.json/1/batch_id", "4"),
            Set("pending_queue/changes.json/2/batch_id", "5"),
            Set("pending_queue/changes.json/3/batch_id", "5"),
            // What is no entry as we know them stays.
            Insert(
                "pending_queue/changes.json/2",
                r#"{
                    "change_id": 8,
                    "category": "not-a-category",
                    "model_name": "dropped",
                    "operation": "create",
                    "requested_by": "101",
                    "requested_username": "requestor#101"
                }"#,
            ),
            Set("pending_queue/index.json/last_batch_id", "5"),
        ],
    },
    Wanted {
        file: "queue-restart-persistence",
        step: 9,
        fault: "X02",
        edits: &[
            Set("/applied/1/batch_id", "2"),
            Set("/batch_split_occurred", "false"),
            Remove("/batch_split_original_batch_id"),
            Remove("/batch_split_new_batch_id"),
            Remove("/batch_split_reassigned_count"),
        ],
    },
    Wanted {
        file: "queue-restart-persistence",
        step: 10,
        fault: "X02",
        edits: &[
            Remove("/batches/0"),
            Set("/batches/0/batch_title", r#""later""#),
            Set("/batches/0/approved_change_count", "2"),
            Set("/batches/0/applied_change_count", "2"),
            Set("/batches/0/total_change_count", "2"),
            Set("/batches/0/last_event_id", "14"),
        ],
    },
    Wanted {
        file: "queue-restart-persistence",
        step: 11,
        fault: "X02",
        edits: &[
            Set("pending_queue/changes.json/2/batch_id", "2"),
            Set("pending_queue/index.json/last_batch_id", "2"),
            Set("audit/index.json/last_event_id", "14"),
        ],
    },
];

/// A batch whose first event is number 1 added a model.
const FIRST_EVENT_ADDS: &[crate::wanted::Edit] = &[
    Set("/model_changes/0/net_operation", r#""added""#),
    Set("/model_changes/0/before_state", "null"),
    Set("/model_changes/0/field_diffs", "\"<any>\""),
    // Where to download it from is critical.
    Set("/model_changes/0/is_critical", "true"),
    Set("/has_critical_changes", "true"),
    Set("/models_added", "1"),
    Set("/models_unchanged", "0"),
    // record_type, name, description, metadata (3), config, model_classification (2), licensing (7)
    Set("/total_field_changes", "16"),
];

/// The batch of the second approver, both of whose members were applied in one call.
const BETA: &str = r#"{
    "batch_id": 2,
    "batch_title": "beta",
    "approved_by": "202",
    "approved_at": "<timestamp>",
    "applied_at": "<timestamp>",
    "approved_change_count": 2,
    "rejected_change_count": 0,
    "applied_change_count": 2,
    "total_change_count": 2,
    "last_event_id": 17
}"#;

/// A delete removes each member of the record.
const CINDER_FIELDS: &str = r#"[
    "record_type", "name", "version", "metadata.schema_version", "metadata.created_at",
    "metadata.updated_at", "config.download", "model_classification.domain",
    "model_classification.purpose", "size_on_disk_bytes", "inpainting", "baseline", "tags",
    "showcases", "trigger", "nsfw", "style"
]"#;

const CINDER_REMOVED: &str = r#"[
    {"field_path": "record_type", "old_value": "image_generation", "new_value": null,
        "change_type": "removed"},
    {"field_path": "name", "old_value": "Cinder Inpaint", "new_value": null,
        "change_type": "removed"},
    {"field_path": "version", "old_value": "1.0", "new_value": null, "change_type": "removed"},
    {"field_path": "metadata.schema_version", "old_value": "2.0.0", "new_value": null,
        "change_type": "removed"},
    {"field_path": "metadata.created_at", "old_value": 1700000000, "new_value": null,
        "change_type": "removed"},
    {"field_path": "metadata.updated_at", "old_value": 1700000100, "new_value": null,
        "change_type": "removed"},
    {"field_path": "config.download", "old_value": "<any>", "new_value": null,
        "change_type": "removed"},
    {"field_path": "model_classification.domain", "old_value": "image", "new_value": null,
        "change_type": "removed"},
    {"field_path": "model_classification.purpose", "old_value": "generation", "new_value": null,
        "change_type": "removed"},
    {"field_path": "size_on_disk_bytes", "old_value": 4265437280, "new_value": null,
        "change_type": "removed"},
    {"field_path": "inpainting", "old_value": true, "new_value": null, "change_type": "removed"},
    {"field_path": "baseline", "old_value": "stable_diffusion_1", "new_value": null,
        "change_type": "removed"},
    {"field_path": "tags", "old_value": ["realistic"], "new_value": null,
        "change_type": "removed"},
    {"field_path": "showcases", "old_value": [], "new_value": null, "change_type": "removed"},
    {"field_path": "trigger", "old_value": [], "new_value": null, "change_type": "removed"},
    {"field_path": "nsfw", "old_value": false, "new_value": null, "change_type": "removed"},
    {"field_path": "style", "old_value": "realistic", "new_value": null, "change_type": "removed"}
]"#;
