//! Streams as they should be, cut, mutated, and made to do harm.

use std::collections::BTreeMap;
use std::panic;
use std::sync::{LazyLock, Mutex};

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float64Array, Int16Array, Int32Array, Int64Array, LargeStringArray, NullArray, RunArray, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray, UnionArray,
};
use arrow_buffer::ScalarBuffer;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{Field, Fields, Schema, UnionFields};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// A stream of batches of one nullable column.
fn numbers(batches: &[&[i64]]) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    for batch in batches {
        let column = Arc::new(Int64Array::from(batch.to_vec()));
        writer.write(&RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
    }
    writer.into_inner().unwrap()
}

/// One array of each layout, 24 rows long.
fn columns() -> BTreeMap<&'static str, ArrayRef> {
    const ROWS: i32 = 24;
    let each = || 0..ROWS;
    let text = |i: i32| (i % 5 != 0).then(|| format!("text {i} {}", "x".repeat(i as usize)));
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), arrow_array::builder::Int64Builder::new());
    for i in each() {
        (0..i % 4).for_each(|j| lists.values().append_value(format!("{j}")));
        lists.append(i % 7 != 0);
        maps.keys().append_value("k");
        maps.values().append_value(i.into());
        maps.append(true).unwrap();
    }
    let ints: ArrayRef = Arc::new(Int32Array::from_iter(each().map(|i| (i % 3 != 0).then_some(i))));
    let strings: ArrayRef = Arc::new(StringArray::from_iter(each().map(text)));
    let whole: ArrayRef = Arc::new(Int32Array::from_iter_values(each()));
    let fields: Fields = vec![Field::new("x", DataType::Int32, true), Field::new("y", DataType::Utf8, true)].into();
    let unions =
        UnionFields::try_new([0, 1], [Field::new("i", DataType::Int32, true), Field::new("s", DataType::Utf8, true)])
            .unwrap();
    let ids: ScalarBuffer<i8> = each().map(|i| (i % 2) as i8).collect();
    let places: ScalarBuffer<i32> = each().collect();
    let run_ends = Int16Array::from(vec![10, 24]);
    BTreeMap::from([
        ("binary", Arc::new(BinaryArray::from_iter_values(each().map(|i| vec![i as u8; i as usize]))) as ArrayRef),
        ("bool", Arc::new(BooleanArray::from_iter(each().map(|i| (i % 4 != 0).then_some(i % 3 == 0))))),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from_iter_values(each().map(i128::from)).with_precision_and_scale(38, 2).unwrap(),
            ),
        ),
        (
            "dictionary",
            Arc::new(
                each().map(|i| ["a", "b", "c"].get(i as usize % 4).copied()).collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
        ("double", Arc::new(Float64Array::from_iter(each().map(|i| (i % 7 != 0).then(|| f64::from(i) / 3.0))))),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter(each().map(|i| [i as u8; 4])).unwrap())),
        ("fixed_list", {
            let items = Arc::new(Int32Array::from_iter_values(0..2 * ROWS));
            Arc::new(FixedSizeListArray::new(Arc::new(Field::new_list_field(DataType::Int32, true)), 2, items, None))
        }),
        ("int", ints.clone()),
        ("large", Arc::new(LargeStringArray::from_iter(each().map(text)))),
        ("list", Arc::new(lists.finish())),
        ("map", Arc::new(maps.finish())),
        ("null", Arc::new(NullArray::new(ROWS as usize))),
        ("runs", Arc::new(RunArray::try_new(&run_ends, &StringArray::from(vec!["p", "q"])).unwrap())),
        ("string", strings.clone()),
        ("struct", Arc::new(StructArray::new(fields, vec![ints, strings.clone()], None))),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(each().map(i64::from)).with_timezone("UTC"))),
        ("union", Arc::new(UnionArray::try_new(unions, ids, Some(places), vec![whole, strings]).unwrap())),
        ("view", Arc::new(StringViewArray::from_iter(each().map(text)))),
    ])
}

fn stream(columns: &[(&str, ArrayRef)], compression: Option<CompressionType>, batches: usize) -> Vec<u8> {
    let fields: Vec<_> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch =
        RecordBatch::try_new(schema.clone(), columns.iter().map(|(_, column)| column.clone()).collect()).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    (0..batches).for_each(|_| writer.write(&batch).unwrap());
    writer.into_inner().unwrap()
}

/// Streams to begin from: every layout alone and all together, plain and compressed, and those that did harm before.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let columns: Vec<_> = columns().into_iter().collect();
    let mut seeds = vec![numbers(&[&[1, 2, 3], &[], &[4]]), stream(&columns, None, 2)];
    seeds.extend(columns.iter().map(|column| stream(std::slice::from_ref(column), None, 2)));
    seeds.push(stream(&columns, Some(CompressionType::LZ4_FRAME), 1));
    seeds.extend(HARMFUL.iter().map(|(_, bytes)| bytes.to_vec()));
    seeds
});

macro_rules! inputs {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("../../tests/inputs/", $name, ".arrow"))),)*] };
}

/// Streams that made the decoder panic, or ask for a petabyte.
const HARMFUL: &[(&str, &[u8])] =
    inputs! { "abort_lz4" "abort_zstd" "panic_1" "panic_2" "panic_3" "panic_4" "panic_5" "panic_6" };
/// A stream of one column and no batch.
const SCHEMA_ONLY: &[u8] = include_bytes!("../../tests/inputs/schema_only.arrow");

fn open(bytes: &[u8]) -> Result<Chunk, Invalid> {
    Chunk::open(Bytes::copy_from_slice(bytes))
}

/// Reads a stream to its end or first error, and checks that what comes out is as Arrow wants it. Returns the rows.
fn read(bytes: &[u8]) -> Result<u64, Invalid> {
    let mut chunk = open(bytes)?;
    let mut rows = 0;
    while let Some(batch) = chunk.next()? {
        rows += batch.num_rows() as u64;
        for column in batch.columns() {
            column.to_data().validate_full().expect("only valid arrays are handed out");
        }
    }
    assert_eq!(rows, chunk.rows(), "batches have the rows that were counted before");
    Ok(rows)
}

#[test]
fn batches_come_one_by_one() {
    let mut chunk = open(&numbers(&[&[1, 2], &[], &[3]])).unwrap();
    assert_eq!(chunk.rows(), 3);
    let mut rows = Vec::new();
    while let Some(batch) = chunk.next().unwrap() {
        rows.push(batch.num_rows());
    }
    assert_eq!(rows, [2, 0, 1]);
    assert!(chunk.next().unwrap().is_none());
}

#[test]
fn every_layout_reads_plain_and_compressed() {
    let columns: Vec<_> = columns().into_iter().collect();
    for compression in [None, Some(CompressionType::LZ4_FRAME)] {
        for column in &columns {
            let bytes = stream(std::slice::from_ref(column), compression, 3);
            let mut chunk = open(&bytes).unwrap_or_else(|why| panic!("{}: {why}", column.0));
            for _ in 0..3 {
                let batch = chunk.next().unwrap_or_else(|why| panic!("{}: {why}", column.0)).unwrap();
                assert_eq!(batch.column(0).to_data(), column.1.to_data(), "{}", column.0);
            }
        }
        assert_eq!(read(&stream(&columns, compression, 2)).unwrap(), 48);
    }
}

#[test]
fn empty_columns_and_slices_read() {
    let mut all = columns();
    // Arrow's own writer makes run ends of zero from an empty slice, which its reader refuses.
    all.remove("runs");
    for (name, column) in &all {
        for (from, length) in [(0, 0), (3, 0), (3, 5), (7, 17)] {
            let part = [(*name, column.slice(from, length))];
            assert_eq!(
                read(&stream(&part, None, 1)).unwrap_or_else(|why| panic!("{name} {from} {length}: {why}")),
                length as u64
            );
        }
    }
}

#[test]
fn a_stream_without_batches_has_a_schema() {
    let mut chunk = open(SCHEMA_ONLY).unwrap();
    assert_eq!((chunk.rows(), chunk.schema().fields().len()), (0, 1));
    assert!(chunk.next().unwrap().is_none());
}

#[test]
fn bytes_at_odd_places_are_read() {
    let mut shifted = vec![0];
    shifted.extend(numbers(&[&[1, 2, 3]]));
    let bytes = Bytes::from(shifted).slice(1..);
    assert_eq!(Chunk::open(bytes).unwrap().next().unwrap().unwrap().num_rows(), 3);
}

#[test]
fn a_stream_that_is_cut_anywhere_is_an_error() {
    for whole in [numbers(&[&[1, 2, 3], &[4]]), stream(&columns().into_iter().collect::<Vec<_>>(), None, 1)] {
        for end in (0..whole.len()).step_by(4).chain(whole.len() - 9..whole.len()) {
            assert!(read(&whole[..end]).is_err(), "{end} of {}", whole.len());
        }
        let message = open(&whole[..whole.len() - 8]).err().unwrap().0;
        assert_eq!(message, "it has no end mark");
    }
    let mut more = numbers(&[&[1]]);
    more.extend([0; 8]);
    assert!(open(&more).err().unwrap().0.contains("8 bytes after its end mark"));
    for other in [&b"id,twice\n1,2\n"[..], b"", b"[[\"1\"]]", b"<html></html>"] {
        assert!(open(other).is_err());
    }
}

#[test]
fn what_did_harm_is_refused_without_a_panic() {
    for (name, bytes) in HARMFUL {
        let why = read(bytes).expect_err(name).0;
        assert!(!why.contains("gave up"), "{name} is refused before it is decoded: {why}");
        assert!(!why.contains('\n'), "{why}");
    }
}

#[test]
fn sizes_that_no_chunk_of_this_length_has_are_refused() {
    let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; 100_000]));
    let bytes = stream(&[("z", zeros)], Some(CompressionType::LZ4_FRAME), 1);
    assert_eq!(read(&bytes).unwrap(), 100_000);
    // The size that the buffer of values claims, in the eight bytes before it.
    let claim = 800_000_u64.to_le_bytes();
    let at = bytes.windows(8).position(|window| window == claim).unwrap();
    for size in [i64::MAX, 1 << 50, 1 << 40, 800_001, 799_999, 800_008, 8, 0, -1, -2, i64::MIN] {
        let mut changed = bytes.clone();
        changed[at..at + 8].copy_from_slice(&size.to_le_bytes());
        let why = read(&changed).expect_err("a size that is not that of the buffer").0;
        assert!(!why.contains("gave up"), "{size}: {why}");
    }
}

/// Panics that were caught, in this process.
static CAUGHT: Mutex<usize> = Mutex::new(0);

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to a stream on its way, reading it ends, in valid arrays or an error, and the decoder never
    /// panics.
    #[test]
    fn mutated_streams_never_panic(
        seed in any::<Index>(),
        edits in prop::collection::vec((any::<Index>(), 0_usize..6, any::<u64>()), 1..5),
        cut in prop::option::weighted(0.1, any::<Index>()),
    ) {
        let mut bytes = SEEDS[seed.index(SEEDS.len())].clone();
        for (at, what, value) in edits {
            let at = at.index(bytes.len());
            let place = &mut bytes[at..];
            match what {
                0 => place[0] ^= 1 << (value % 8),
                1 => place[0] = value as u8,
                2 => place[0] = [0, 1, 0x7f, 0x80, 0xff][value as usize % 5],
                3 => place.iter_mut().zip(value.to_le_bytes()).take(4).for_each(|(to, from)| *to = from),
                4 => place.iter_mut().zip((1_u64 << (value % 64)).to_le_bytes()).for_each(|(to, from)| *to = from),
                _ => place.iter_mut().take(8).for_each(|byte| *byte = 0xff),
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let outcome = panic::catch_unwind(|| read(&bytes).err().map(|why| why.0));
        let why = outcome.expect("nothing gets past the last net");
        if why.is_some_and(|why| why.contains("gave up")) {
            *CAUGHT.lock().unwrap() += 1;
            prop_assert!(false, "a panic of the decoder that a check should have been before");
        }
    }
}
