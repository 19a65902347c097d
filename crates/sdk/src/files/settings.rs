//! How transfers are cut into parts.

use databricks_core::{Error, ErrorKind, Result};

const MIB: u64 = 1 << 20;

/// The largest part that cloud storage takes.
const LARGEST_PART: u64 = 4 << 30;
/// The largest file that one request to the workspace takes.
pub(super) const LARGEST_SINGLE: u64 = 5 << 30;
/// The most parts for which a part size is chosen.
const MOST_PARTS: u64 = 100;

/// Sizes and numbers of a transfer. The defaults are those of the official SDKs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct TransferSettings {
    pub(super) multipart_from: u64,
    pub(super) part_sizes: Vec<u64>,
    pub(super) part_size: Option<u64>,
    pub(super) unknown_part_size: u64,
    pub(super) unknown_links: u64,
    pub(super) parallelism: usize,
    pub(super) link_renewals: u32,
    pub(super) ranges_from: u64,
    pub(super) range_size: u64,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            multipart_from: 50 * MIB,
            part_sizes: [10, 20, 50, 100, 200, 500, 1024, 2048, 4096].map(|size| size * MIB).into(),
            part_size: None,
            unknown_part_size: 10 * MIB,
            unknown_links: 1,
            parallelism: 10,
            link_renewals: 3,
            ranges_from: 50 * MIB,
            range_size: 10 * MIB,
        }
    }
}

impl TransferSettings {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets from how many bytes on a file is uploaded in parts. Default: 50 MiB.
    pub fn multipart_from(mut self, bytes: u64) -> Self {
        self.multipart_from = bytes;
        self
    }

    /// Sets the size of each part but the last, in bytes. Default: chosen by the size of the file, see
    /// [`part_size_options`](Self::part_size_options).
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = Some(bytes);
        self
    }

    /// Sets the part sizes to choose from, in bytes and ascending: the first with which a file has at most 100 parts is
    /// taken, or else the last. Default: 10, 20, 50, 100, 200, 500 MiB, 1, 2 and 4 GiB.
    pub fn part_size_options(mut self, bytes: impl IntoIterator<Item = u64>) -> Self {
        self.part_sizes = bytes.into_iter().collect();
        self
    }

    /// Sets the part size of streams whose length is not known, in bytes. Default: 10 MiB.
    pub fn unknown_length_part_size(mut self, bytes: u64) -> Self {
        self.unknown_part_size = bytes;
        self
    }

    /// Sets for how many parts of a stream of unknown length links are asked for at once. Default: 1.
    pub fn unknown_length_links(mut self, links: u64) -> Self {
        self.unknown_links = links.max(1);
        self
    }

    /// Sets how many parts or ranges are transferred at the same time, 1 to 64. Default: 10.
    pub fn parallelism(mut self, transfers: usize) -> Self {
        self.parallelism = transfers;
        self
    }

    /// Sets how often an expired link is renewed for one part or range. Default: 3.
    pub fn link_renewals(mut self, renewals: u32) -> Self {
        self.link_renewals = renewals;
        self
    }

    /// Sets above how many bytes a file is downloaded in ranges at the same time. Default: 50 MiB.
    pub fn ranges_from(mut self, bytes: u64) -> Self {
        self.ranges_from = bytes;
        self
    }

    /// Sets the size of such a range in bytes. Default: 10 MiB.
    pub fn range_size(mut self, bytes: u64) -> Self {
        self.range_size = bytes;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |what: String| Err(Error::new(ErrorKind::InvalidInput, what));
        if !(1..=64).contains(&self.parallelism) {
            return invalid(format!("the parallelism of a transfer must be 1 to 64, it is {}", self.parallelism));
        }
        let sizes = self.part_sizes.iter().chain(&self.part_size).chain([&self.unknown_part_size, &self.range_size]);
        if let Some(size) = sizes.into_iter().find(|size| !(1..=LARGEST_PART).contains(*size)) {
            return invalid(format!("a part must have 1 byte to 4 GiB, its size is set to {size} bytes"));
        }
        Ok(())
    }

    /// Whether a file of this length goes in one request.
    pub(super) fn is_small(&self, length: u64) -> bool {
        length < self.multipart_from.max(1)
    }

    /// The part size, and for how many parts links are asked for at once.
    pub(super) fn plan(&self, length: Option<u64>) -> (u64, u64) {
        let Some(length) = length else {
            let links = if self.parallelism > 1 { 1 } else { self.unknown_links };
            return (self.part_size.unwrap_or(self.unknown_part_size), links);
        };
        let chosen = || self.part_sizes.iter().copied().find(|size| length.div_ceil(*size) <= MOST_PARTS);
        let last = || self.part_sizes.last().copied().unwrap_or(LARGEST_PART);
        let size = self.part_size.or_else(chosen).unwrap_or_else(last);
        let links = if self.parallelism > 1 { 1 } else { ceil_sqrt(length.div_ceil(size)) };
        (size, links)
    }
}

fn ceil_sqrt(n: u64) -> u64 {
    let root = n.isqrt();
    if root * root == n { root.max(1) } else { root + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_size_with_a_hundred_parts_is_taken() {
        let settings = TransferSettings::new().parallelism(1);
        assert_eq!(settings.plan(Some(1000 * MIB)), (10 * MIB, 10));
        assert_eq!(settings.plan(Some(1000 * MIB + 1)), (20 * MIB, 8));
        assert_eq!(settings.plan(Some(2 << 30)), (50 * MIB, 7));
        assert_eq!(settings.plan(Some(1 << 50)), (4 << 30, 512));
        assert_eq!(settings.plan(None), (10 * MIB, 1));
        assert_eq!(settings.clone().part_size(7).plan(Some(70)), (7, 4));
        assert_eq!(TransferSettings::new().plan(Some(1000 * MIB)), (10 * MIB, 1));
    }

    #[test]
    fn sizes_and_parallelism_have_limits() {
        for wrong in [
            TransferSettings::new().parallelism(0),
            TransferSettings::new().parallelism(65),
            TransferSettings::new().part_size(0),
            TransferSettings::new().part_size(LARGEST_PART + 1),
            TransferSettings::new().range_size(0),
            TransferSettings::new().part_size_options([0]),
        ] {
            assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong:?}");
        }
        TransferSettings::new().check().unwrap();
    }

    #[test]
    fn nothing_is_small_but_what_one_request_holds() {
        let settings = TransferSettings::new().multipart_from(0);
        assert!(settings.is_small(0) && !settings.is_small(1));
        assert!(TransferSettings::new().is_small(50 * MIB - 1) && !TransferSettings::new().is_small(50 * MIB));
    }
}
