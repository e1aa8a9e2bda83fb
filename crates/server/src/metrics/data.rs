//! What is served, how current it is, and how soon changes arrive.

use std::fmt::Result;

use horde_model_reference::backend::Origin;
use horde_model_reference::{Condition, Document};

use super::page::Page;
use crate::app::App;

/// The kinds of documents.
const KINDS: [&str; 6] = ["v2", "legacy", "v2_metadata", "legacy_metadata", "catalogue", "queue"];

pub(super) fn categories(page: &mut Page<'_>, app: &App) -> Result {
    let conditions = app.reference.conditions();
    let mut of_each = |metric, value: fn(&_) -> f64| {
        let series = conditions.iter();
        let series = series.map(|it| ([("category", it.category.name())], value(it)));
        page.gauges(metric, series)
    };
    of_each(
        ("category_generation", "Generation of a category; it rises with every change"),
        |it: &Condition| it.generation.get() as f64,
    )?;
    of_each(("category_records", "Models of a category"), |it| it.records as f64)?;
    of_each(("category_bytes", "Size of the v2 answer about a category, uncompressed"), |it| {
        it.bytes as f64
    })?;
    of_each(
        ("category_readable", "1 while all files of a category can be read and make sense"),
        |it| if it.problem.is_none() { 1.0 } else { 0.0 },
    )?;
    of_each(
        (
            "category_lease_age_seconds",
            "Time since the files of a category were last looked at; of several, the oldest look",
        ),
        |it| it.lease_age.as_secs_f64(),
    )
}

pub(super) fn memory_tier(page: &mut Page<'_>, app: &App) -> Result {
    let tier = app.reference.statistics();
    page.gauge(
        ("lease_seconds", "How long answers are given from memory after a look"),
        app.reference.leases().lease.as_secs_f64(),
    )?;
    page.counter(("memory_looks", "Passes of looks over all files"), tier.looks)?;
    page.counter(("memory_loads", "Documents read because they may have changed"), tier.loads)?;
    page.histogram(
        ("memory_load_seconds", "Reading a document again, and comparing it"),
        &app.reference.load_times(),
    )?;
    page.counter(
        ("memory_stale_answers", "Reads that waited for a look in vain"),
        tier.stale_answers,
    )?;
    let problems = app.reference.problems();
    let broken = KINDS.map(|kind| {
        let count = problems.iter().filter(|problem| kind_of(problem.document) == kind).count();
        ([("kind", kind)], count as f64)
    });
    page.gauges(("broken_documents", "Documents that cannot be read or make no sense"), broken)
}

pub(super) fn propagation(page: &mut Page<'_>, app: &App) -> Result {
    let propagation = app.reference.propagation();
    let series = [
        (Origin::Own, &propagation.own),
        (Origin::Adopted, &propagation.adopted),
        (Origin::Remote, &propagation.remote),
    ];
    page.histograms(
        (
            "propagation_seconds",
            "From a content's commit until it is served here, by who named it: this process \
             (own), this process after a write by hand (adopted), another process (remote)",
        ),
        series.map(|(origin, reading)| ([("origin", origin.name())], reading)),
    )
}

fn kind_of(document: Document) -> &'static str {
    match document {
        Document::V2(_) => KINDS[0],
        Document::Legacy(_) => KINDS[1],
        Document::V2Metadata(_) => KINDS[2],
        Document::LegacyMetadata(_) => KINDS[3],
        Document::Baselines
        | Document::Guidance
        | Document::Licenses
        | Document::LicensedAssets => KINDS[4],
        Document::PendingChanges => KINDS[5],
    }
}
