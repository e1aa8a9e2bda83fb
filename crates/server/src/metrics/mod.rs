//! Metrics in the text form of OpenMetrics: every number is read when somebody asks, none is kept
//! here.
//!
//! Labels are words of fixed sets: categories, kinds of documents, results, groups of routes. Names
//! of models, paths and users never become labels, so the number of series has a bound.

mod data;
mod page;
mod redis;
mod service;
mod watch;
mod writes;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::app::App;
use page::Page;

/// What the text is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that can be said about the service now.
pub(crate) fn exposition(app: &App) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(app.clone())));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

struct Scrape(App);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    /// A part of the service a line; a further tier has a line, and a file, of its own.
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        service::identity(&mut page, &self.0)?;
        data::categories(&mut page, &self.0)?;
        data::memory_tier(&mut page, &self.0)?;
        data::propagation(&mut page, &self.0)?;
        writes::file_tier(&mut page, &self.0)?;
        writes::writer(&mut page, &self.0)?;
        writes::replication(&mut page, &self.0)?;
        watch::checks(&mut page, &self.0)?;
        redis::shared_tier(&mut page, &self.0)?;
        service::requests(&mut page, &self.0)?;
        service::process(&mut page, &self.0)
    }
}
