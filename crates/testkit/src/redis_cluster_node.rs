//! What a node of a Redis Cluster says about the nodes, read from CLUSTER NODES.

use std::ops::RangeInclusive;

use anyhow::{Context, Result};

/// One node as another one sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// Its name, forty hexadecimal digits.
    pub id: String,
    /// Where it listens.
    pub port: u16,
    /// The name of its primary, if it is a replica.
    pub primary_id: Option<String>,
    /// Whether it is thought to have failed, or is not answering right now.
    pub failing: bool,
    /// The slots it owns; those on their way count for the old owner.
    pub slots: Vec<RangeInclusive<u16>>,
}

impl ClusterNode {
    /// Whether it is a primary.
    pub fn is_primary(&self) -> bool {
        self.primary_id.is_none()
    }

    /// Whether it owns `slot`.
    pub fn owns(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    /// Reads a line such as `ID 127.0.0.1:10000@20000 myself,master - 0 0 1 connected 0-99 200`.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [id, address, flags, primary, _pinged, _ponged, _epoch, link, slots @ ..] = &words[..]
        else {
            anyhow::bail!("not a node: {line:?}");
        };
        let (address, _bus) = address.split_once('@').context("no bus port")?;
        let (_, port) = address.rsplit_once(':').context("no port")?;
        let failing = flags.split(',').any(|flag| matches!(flag, "fail" | "fail?" | "handshake"));
        Ok(Self {
            id: (*id).to_owned(),
            port: port.parse()?,
            primary_id: (*primary != "-").then(|| (*primary).to_owned()),
            failing: failing || *link != "connected",
            // Slots on their way stand in brackets after the others.
            slots: slots
                .iter()
                .filter(|range| !range.starts_with('['))
                .map(|range| slots_of(range))
                .collect::<Result<_>>()?,
        })
    }
}

fn slots_of(range: &str) -> Result<RangeInclusive<u16>> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    Ok(first.parse()?..=last.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_primary_in_the_middle_of_a_migration() -> Result<()> {
        let line = "ab 127.0.0.1:10000@20000,host myself,master - 0 5 1 connected 0-9 12 [12->-cd]";
        let node = ClusterNode::parse(line)?;
        assert_eq!((node.id.as_str(), node.port, node.failing), ("ab", 10_000, false));
        assert!(node.is_primary() && node.owns(9) && node.owns(12));
        assert!(!node.owns(10));
        Ok(())
    }

    #[test]
    fn reads_a_replica_that_failed() -> Result<()> {
        let node = ClusterNode::parse("cd :10001@20001 slave,fail ab 3 2 1 disconnected")?;
        assert_eq!(node.primary_id.as_deref(), Some("ab"));
        assert!(node.failing && node.slots.is_empty());
        Ok(())
    }

    #[test]
    fn refuses_what_is_no_node() {
        assert!(ClusterNode::parse("OK").is_err());
    }
}
