//! The sketch of frequent items of Apache DataSketches: a table of items and their counts, of bounded size.
//!
//! What is counted follows from the order in which items come; so does the order of items that are as frequent. Both are
//! those of the platform, and so are the bytes.

use datafusion::arrow::datatypes::DataType;

use super::types;
use super::value::{V, same};

/// Slots of the smallest table, as a power of two.
const LEAST: u8 = 3;
/// Counts that are looked at to find the one that is taken from all.
const SAMPLE: usize = 1024;
/// Of the 8-byte words in front of the counts.
const PREAMBLE: u8 = 4;
const VERSION: u8 = 1;
const FAMILY: u8 = 10;
const EMPTY: u8 = 5;

/// A table with open addresses.
struct Table {
    /// An item and its count.
    slots: Vec<Option<(V, i64)>>,
    /// Whether whole numbers are those of 64 bits.
    long: bool,
}

impl Table {
    fn new(log: u8, long: bool) -> Self {
        Self { slots: vec![None; 1 << log], long }
    }

    fn capacity(&self) -> usize {
        self.slots.len() / 4 * 3
    }

    /// All items with their counts, in steps of the golden ratio.
    fn in_steps(&self) -> impl Iterator<Item = &(V, i64)> {
        let slots = self.slots.len();
        let step = (slots as f64 * 0.618_033_988_749_894_9) as usize | 1;
        (0..slots).filter_map(move |n| self.slots[(n * step) & (slots - 1)].as_ref())
    }

    fn active(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Adds to the count of an item; whether it is new.
    fn add(&mut self, item: V, count: i64) -> bool {
        let mask = self.slots.len() - 1;
        let mut at = spread(hash_code(&item, self.long)) as usize & mask;
        loop {
            match &mut self.slots[at] {
                Some((own, counted)) if same(own, &item) => {
                    *counted += count;
                    return false;
                }
                Some(_) => at = (at + 1) & mask,
                free => {
                    *free = Some((item, count));
                    return true;
                }
            }
        }
    }

    /// Takes so much from all counts, and leaves out what has nothing left.
    fn purge(&mut self, sample: usize) -> i64 {
        let mut counts: Vec<i64> = self.slots.iter().flatten().map(|(_, count)| *count).take(sample).collect();
        counts.sort_unstable();
        let taken = counts.get(counts.len() / 2).copied().unwrap_or(0);
        let kept: Vec<(V, i64)> = self.slots.iter_mut().filter_map(Option::take).collect();
        for (item, count) in kept.into_iter().filter(|(_, count)| *count > taken) {
            self.add(item, count - taken);
        }
        taken
    }
}

pub(super) struct FrequentItems {
    table: Table,
    active: usize,
    most: u8,
    /// All that was counted.
    weight: i64,
    /// What was taken from each count.
    offset: i64,
}

impl FrequentItems {
    /// For so many items; with more of them counts become estimates.
    pub(super) fn new(tracked: i32, kind: &DataType) -> Self {
        let needed = (f64::from(tracked) / 0.75).ceil();
        Self::sized(needed.log2().ceil() as u8, LEAST, kind == &DataType::Int64)
    }

    fn sized(most: u8, log: u8, long: bool) -> Self {
        Self { table: Table::new(log.max(LEAST), long), active: 0, most: most.max(LEAST), weight: 0, offset: 0 }
    }

    pub(super) fn add(&mut self, item: V, count: i64) {
        self.weight += count;
        self.active += usize::from(self.table.add(item, count));
        if self.active <= self.table.capacity() {
            return;
        }
        let log = self.table.slots.len().trailing_zeros() as u8;
        if log < self.most {
            let larger = Table::new(log + 1, self.table.long);
            let old = std::mem::replace(&mut self.table, larger);
            for (item, count) in old.slots.into_iter().flatten() {
                self.table.add(item, count);
            }
        } else {
            self.offset += self.table.purge(SAMPLE.min(self.table.capacity()));
            self.active = self.table.active();
        }
    }

    /// Adds what another sketch has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        let weight = self.weight + other.weight;
        for (item, count) in other.table.in_steps() {
            self.add(item.clone(), *count);
        }
        self.offset += other.offset;
        self.weight = weight;
    }

    /// The items that are frequent for sure with their estimates, most frequent first.
    pub(super) fn frequent(&self) -> Vec<(V, i64)> {
        let sure = self.table.in_steps().filter(|(_, count)| *count > self.offset);
        let mut all: Vec<(V, i64)> = sure.map(|(item, count)| (item.clone(), count + self.offset)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }

    pub(super) fn bytes(&self, kind: &DataType) -> Option<Vec<u8>> {
        let log = self.table.slots.len().trailing_zeros() as u8;
        let empty = self.active == 0;
        let mut out = vec![
            if empty { 1 } else { PREAMBLE },
            VERSION,
            FAMILY,
            self.most,
            log,
            if empty { EMPTY } else { 0 },
            0,
            0,
        ];
        if empty {
            return Some(out);
        }
        out.extend((self.active as u64).to_le_bytes());
        out.extend(self.weight.to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        let items = || self.table.slots.iter().flatten();
        out.extend(items().flat_map(|(_, count)| count.to_le_bytes()));
        if kind == &DataType::Boolean {
            let bits: Vec<bool> = items().map(|(item, _)| item.bool()).collect();
            out.extend(
                bits.chunks(8).map(|eight| eight.iter().rev().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit))),
            );
        } else {
            for (item, _) in items() {
                write(&mut out, item, kind)?;
            }
        }
        Some(out)
    }

    /// `None` if the bytes are not those of a sketch.
    pub(super) fn read(bytes: &[u8], kind: &DataType) -> Option<Self> {
        let [preamble, VERSION, FAMILY, most, log, ..] = *bytes else { return None };
        if !(LEAST..=26).contains(&most) || log > most {
            return None;
        }
        let mut read = Self::sized(most, log, kind == &DataType::Int64);
        if preamble & 0x3f != PREAMBLE {
            return Some(read);
        }
        let word = |at: usize| Some(i64::from_le_bytes(bytes.get(8 * at..8 * at + 8)?.try_into().ok()?));
        let active = usize::try_from(word(1)? & 0xffff_ffff).ok()?;
        let mut rest = bytes.get((4 + active).checked_mul(8)?..)?;
        let bits = rest;
        for n in 0..active {
            let item = match kind {
                DataType::Boolean => V::Bool(bits.get(n / 8)? >> (n % 8) & 1 == 1),
                kind => take(&mut rest, kind)?,
            };
            read.add(item, word(4 + n)?);
        }
        (read.weight, read.offset) = (word(2)?, word(3)?);
        Some(read)
    }
}

/// Whether items of a type can be written.
pub(super) fn is_written(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Date32 | DataType::Timestamp(_, _)
    ) || kind.is_integer()
        || types::is_text(kind)
}

/// What stands in front of a number of 32 bits or less.
fn indicator(kind: &DataType) -> Option<u8> {
    Some(match kind {
        DataType::Int8 => 2,
        DataType::Int16 => 3,
        DataType::Int32 | DataType::Date32 => 9,
        DataType::Float32 => 6,
        _ => return None,
    })
}

fn write(out: &mut Vec<u8>, item: &V, kind: &DataType) -> Option<()> {
    out.extend(indicator(kind));
    match (item, kind) {
        (V::Int(n), DataType::Int8) => out.extend((*n as i8).to_le_bytes()),
        (V::Int(n), DataType::Int16) => out.extend((*n as i16).to_le_bytes()),
        (V::Int(n), DataType::Int32) => out.extend((*n as i32).to_le_bytes()),
        (V::Date(n), _) => out.extend(n.to_le_bytes()),
        (V::Float(x), _) => out.extend(x.to_le_bytes()),
        (V::Int(n) | V::Ts(n), _) => out.extend(n.to_le_bytes()),
        (V::Double(x), _) => out.extend(x.to_le_bytes()),
        (V::Str(text), _) => {
            out.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
            out.extend(text.as_bytes());
        }
        _ => return None,
    }
    Some(())
}

/// Takes bytes from the front.
fn split<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn take(rest: &mut &[u8], kind: &DataType) -> Option<V> {
    let mut next = |count: usize| split(rest, count);
    if let Some(indicator) = indicator(kind)
        && next(1)? != [indicator]
    {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    Some(match kind {
        DataType::Int8 => V::Int((number(next(1)?) as i8).into()),
        DataType::Int16 => V::Int((number(next(2)?) as i16).into()),
        DataType::Int32 => V::Int((number(next(4)?) as i32).into()),
        DataType::Date32 => V::Date(number(next(4)?) as i32),
        DataType::Float32 => V::Float(f32::from_bits(number(next(4)?) as u32)),
        DataType::Int64 => V::Int(number(next(8)?) as i64),
        DataType::Timestamp(_, _) => V::Ts(number(next(8)?) as i64),
        DataType::Float64 => V::Double(f64::from_bits(number(next(8)?))),
        DataType::Utf8 => {
            let length = usize::try_from(number(next(4)?)).ok()?;
            V::Str(String::from_utf8(next(length)?.to_vec()).ok()?)
        }
        _ => return None,
    })
}

/// The `hashCode` that Java has for a value.
fn hash_code(v: &V, is_long: bool) -> i32 {
    let long = |n: i64| (n ^ (n as u64 >> 32) as i64) as i32;
    match v {
        V::Bool(b) => {
            if *b {
                1231
            } else {
                1237
            }
        }
        V::Int(n) if is_long => long(*n),
        V::Int(n) => *n as i32,
        V::Date(n) => *n,
        V::Ts(n) => long(*n),
        V::Float(x) => x.to_bits() as i32,
        V::Double(x) => long(x.to_bits() as i64),
        V::Dec(n) => long(*n as i64),
        V::Str(text) => text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into())),
        _ => 0,
    }
}

/// Spreads the bits of a hash code over the table, as the last step of MurmurHash3 does.
fn spread(code: i32) -> u64 {
    let mut h = i64::from(code) as u64;
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ h >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_stays_in_a_small_table() {
        let mut sketch = FrequentItems::new(6, &DataType::Int32);
        for n in 0..10_000 {
            sketch.add(V::Int(n), 1);
            sketch.add(V::Int(-1), 1);
        }
        let frequent = sketch.frequent();
        assert_eq!(frequent[0].0, V::Int(-1));
        assert!((10_000..15_000).contains(&frequent[0].1), "{}", frequent[0].1);
    }

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let kinds = [
            (DataType::Utf8, vec![V::str("a"), V::str("é😀"), V::str("")]),
            (DataType::Boolean, vec![V::Bool(true), V::Bool(false)]),
            (DataType::Int16, vec![V::Int(-3), V::Int(7)]),
            (DataType::Float64, vec![V::Double(0.5), V::Double(-1e300)]),
        ];
        for (kind, items) in kinds {
            let mut sketch = FrequentItems::new(100, &kind);
            items.iter().zip(1..).for_each(|(item, count)| sketch.add(item.clone(), count));
            let bytes = sketch.bytes(&kind).unwrap();
            let read = FrequentItems::read(&bytes, &kind).unwrap();
            assert_eq!(read.frequent(), sketch.frequent());
            assert_eq!(read.bytes(&kind).unwrap(), bytes);
            assert!(FrequentItems::read(&bytes[..bytes.len() - 1], &kind).is_none());
        }
    }
}
