//! The generation acknowledged for each document, in a file that all processes of a run share.
//!
//! Every worker has a cell for each document and is the only one to write it; a reader takes the
//! largest of all cells. A cell holds its number twice, once inverted, so that a torn read shows
//! and is repeated. The file is never flushed: it lives in the page cache, as shared memory would.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// How many workers there can be at a time.
pub const SLOTS: usize = 64;

const CELL_BYTES: usize = 16;
const ROW_BYTES: usize = SLOTS * CELL_BYTES;

/// The shared file.
#[derive(Debug)]
pub struct Acknowledged {
    file: File,
}

impl Acknowledged {
    /// Makes the file for that many documents.
    pub fn create(path: &Path, documents: usize) -> Result<()> {
        let mut row = Vec::with_capacity(ROW_BYTES);
        (0..SLOTS).for_each(|_| row.extend(cell(0)));
        Ok(std::fs::write(path, row.repeat(documents))?)
    }

    /// Opens it.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).open(path);
        Ok(Self { file: file.with_context(|| path.display().to_string())? })
    }

    /// Notes that a worker was told `generation`. Only the worker in `slot` calls it, and not twice
    /// at a time.
    pub fn raise(&self, document: usize, slot: usize, generation: u64) -> Result<()> {
        ensure!(slot < SLOTS, "at most {SLOTS} workers");
        let at = (document * ROW_BYTES + slot * CELL_BYTES) as u64;
        let mut bytes = [0; CELL_BYTES];
        self.file.read_exact_at(&mut bytes, at)?;
        if number(&bytes).is_none_or(|known| known < generation) {
            self.file.write_all_at(&cell(generation), at)?;
        }
        Ok(())
    }

    /// The largest generation anybody was told.
    pub fn largest(&self, document: usize) -> Result<u64> {
        let mut row = [0; ROW_BYTES];
        loop {
            self.file.read_exact_at(&mut row, (document * ROW_BYTES) as u64)?;
            let numbers: Option<Vec<u64>> = row.chunks_exact(CELL_BYTES).map(number).collect();
            if let Some(numbers) = numbers {
                return Ok(numbers.into_iter().max().unwrap_or(0));
            }
        }
    }
}

fn cell(number: u64) -> [u8; CELL_BYTES] {
    let mut bytes = [0; CELL_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&(!number).to_le_bytes());
    bytes
}

fn number(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(bytes[..8].try_into().ok()?);
    let inverse = u64::from_le_bytes(bytes[8..].try_into().ok()?);
    (number == !inverse).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_cell_counts_and_cells_never_fall() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("acknowledged");
        Acknowledged::create(&path, 2)?;
        let (writer, reader) = (Acknowledged::open(&path)?, Acknowledged::open(&path)?);
        assert_eq!(reader.largest(1)?, 0);
        writer.raise(1, 0, 7)?;
        writer.raise(1, SLOTS - 1, 5)?;
        writer.raise(1, 0, 6)?;
        assert_eq!((reader.largest(0)?, reader.largest(1)?), (0, 7));
        assert!(writer.raise(0, SLOTS, 1).is_err());
        Ok(())
    }

    #[test]
    fn a_torn_cell_is_told_from_a_whole_one() {
        let mut bytes = cell(300);
        assert_eq!(number(&bytes), Some(300));
        bytes[0] = 1;
        assert_eq!(number(&bytes), None);
    }
}
