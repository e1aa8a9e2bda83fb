//! Reads through the library beside a bare `ArcSwap`, in turns in one process: time, allocations, and
//! what a second thread adds. Prints one line of JSON for each figure.

use std::alloc::System;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use horde_model_reference::backend::memory::Memory;
use horde_model_reference::view::RecordsBody;
use horde_model_reference::{Category, Document, Json, ModelReference, Options};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CATEGORY: Category = Category::ImageGeneration;
const MODELS: usize = 200;
const ROUNDS: usize = 15;
/// Reads in one timed turn of one thread.
const READS: usize = 1_000_000;

/// Something that is read over and over; whether it was there.
struct Case<'a> {
    name: &'static str,
    read: &'a (dyn Fn(usize) -> bool + Sync),
}

fn main() {
    let memory = Memory::default();
    memory.put(Document::V2(CATEGORY), &models()).expect("the models are an object");
    let options = Options { compress: false, ..Options::default() };
    let reference = ModelReference::open(Arc::new(memory), options).expect("threads start");
    let names: Vec<String> = (0..MODELS).map(name).collect();
    let view = reference.category_blocking(CATEGORY).view;
    let bare = ArcSwap::new(Arc::clone(&view));
    let records = view.v2.as_ref().expect("the category is there");
    let cases = [
        Case { name: "arc_swap_load", read: &|_| black_box(bare.load()).v2.is_some() },
        Case { name: "arc_swap_load_full", read: &|_| black_box(bare.load_full()).v2.is_some() },
        Case {
            name: "category_now",
            read: &|_| black_box(reference.category_now(CATEGORY)).is_some(),
        },
        Case { name: "record", read: &|turn| found(records, &names[turn % MODELS]) },
        Case {
            name: "category_now_and_record",
            read: &|turn| {
                let view = reference.category_now(CATEGORY);
                let records = view.as_ref().and_then(|view| view.v2.as_ref());
                records.is_some_and(|records| found(records, &names[turn % MODELS]))
            },
        },
    ];
    for threads in [1, 2] {
        compare(&cases, threads);
    }
}

/// Every case in every round, so that what disturbs one disturbs all.
fn compare(cases: &[Case<'_>], threads: usize) {
    let mut times: Vec<Vec<f64>> = cases.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    let mut missed = vec![0; cases.len()];
    for _ in 0..ROUNDS {
        for (index, case) in cases.iter().enumerate() {
            let (elapsed, found) = turn(case, threads);
            times[index].push(elapsed.as_secs_f64() * 1e9 / READS as f64);
            missed[index] += READS * threads - found;
        }
    }
    for (index, case) in cases.iter().enumerate() {
        let allocations = allocations(case);
        let [least, median, most] = spread(&mut times[index]);
        let (name, missed) = (case.name, missed[index]);
        println!(
            "{{\"case\":\"{name}\",\"threads\":{threads},\"ns\":{median:.2},\"least_ns\":{least:.2},\
             \"most_ns\":{most:.2},\"allocations\":{allocations},\"missed\":{missed}}}"
        );
    }
}

/// One turn on each of `threads` threads at once: the time of the slowest, and the reads that found
/// something.
fn turn(case: &Case<'_>, threads: usize) -> (Duration, usize) {
    let ready = Barrier::new(threads);
    let run = || {
        ready.wait();
        let begun = Instant::now();
        let found = (0..READS).filter(|&turn| (case.read)(turn)).count();
        (begun.elapsed(), found)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        others.into_iter().fold(own, |(time, found), other| {
            let (other_time, other_found) = other.join().expect("no read panics");
            (time.max(other_time), found + other_found)
        })
    })
}

/// Allocations of a thousand reads. Other threads may allocate meanwhile, so the least of a few
/// counts is what the reads themselves need.
fn allocations(case: &Case<'_>) -> usize {
    let count = |_| {
        let region = Region::new(ALLOCATOR);
        (0..1000).for_each(|turn| {
            black_box((case.read)(turn));
        });
        region.change().allocations
    };
    (0..20).map(count).min().unwrap_or(0)
}

fn spread(times: &mut [f64]) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [times[0], times[times.len() / 2], times[times.len() - 1]]
}

fn found(records: &RecordsBody, name: &str) -> bool {
    black_box(records.record(black_box(name))).is_some()
}

fn name(number: usize) -> String {
    format!("model number {number}")
}

fn models() -> String {
    let model = |number| {
        let name = name(number);
        let record = Json::from([
            ("name", Json::from(name.as_str())),
            ("description", Json::from("a model that was made up for measuring")),
        ]);
        (name, record)
    };
    Json::Object((0..MODELS).map(model).collect())
        .to_text(horde_model_reference::json::Style::COMPACT)
}
