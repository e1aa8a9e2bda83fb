//! Writing one metric after another.

use std::fmt::Result;

use horde_model_reference::measure::Reading;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Before every name that is not the process's own.
const PREFIX: &str = "model_reference_";

/// A name and what the metric means.
pub(super) type Named = (&'static str, &'static str);
/// Labels of one series.
pub(super) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Where metrics are written.
pub(super) struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// A number that only rises. `_total` is added to its name.
    pub(super) fn counter(&mut self, metric: Named, value: u64) -> Result {
        self.counters::<0>(metric, [([], value)])
    }

    /// A counter for each set of labels.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        metric: Named,
        series: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> Result {
        self.each(metric, MetricType::Counter, series, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// A number that rises and falls.
    pub(super) fn gauge(&mut self, metric: Named, value: f64) -> Result {
        self.gauges::<0>(metric, [([], value)])
    }

    /// A gauge for each set of labels.
    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        metric: Named,
        series: impl IntoIterator<Item = (Labels<'l, N>, f64)>,
    ) -> Result {
        self.each(metric, MetricType::Gauge, series, |encoder, value| encoder.encode_gauge(&value))
    }

    /// A gauge of the process itself, whose name is the same for every service.
    pub(super) fn of_process(&mut self, metric: Named, value: Option<u64>) -> Result {
        let Some(value) = value else { return Ok(()) };
        let (name, help) = metric;
        self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// What never changes while the process runs. `_info` is added to its name.
    pub(super) fn info<const N: usize>(&mut self, metric: Named, labels: &Labels<'_, N>) -> Result {
        let name = format!("{PREFIX}{}", metric.0);
        self.encoder.encode_descriptor(&name, metric.1, None, MetricType::Info)?.encode_info(labels)
    }

    /// How often something took how long.
    pub(super) fn histogram(&mut self, metric: Named, reading: &Reading) -> Result {
        self.histograms::<0>(metric, [([], reading)])
    }

    /// A histogram for each set of labels.
    pub(super) fn histograms<'l, 'r, const N: usize>(
        &mut self,
        metric: Named,
        series: impl IntoIterator<Item = (Labels<'l, N>, &'r Reading)>,
    ) -> Result {
        self.each(metric, MetricType::Histogram, series, |encoder, reading| {
            let bounds = reading.bounds.iter().map(|bound| bound.as_secs_f64());
            let bounds = bounds.chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(reading.counts.iter().copied()).collect();
            let sum = reading.sum.as_secs_f64();
            encoder.encode_histogram::<NoLabelSet>(sum, reading.count(), &buckets, None)
        })
    }

    fn each<'l, V, const N: usize>(
        &mut self,
        (name, help): Named,
        kind: MetricType,
        series: impl IntoIterator<Item = (Labels<'l, N>, V)>,
        encode: impl Fn(&mut MetricEncoder<'_>, V) -> Result,
    ) -> Result {
        let name = format!("{PREFIX}{name}");
        let mut metric = self.encoder.encode_descriptor(&name, help, None, kind)?;
        for (labels, value) in series {
            // No labels at all are written without braces.
            match N {
                0 => encode(&mut metric, value)?,
                _ => encode(&mut metric.encode_family(&labels)?, value)?,
            }
        }
        Ok(())
    }
}
