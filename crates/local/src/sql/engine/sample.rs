//! What the catalogues hold at the start. The rows are generated, the same at every start.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::store::table::{Column, Table, TableState, retitled};
use super::store::{Catalog, Relation, Schema, Store};

pub(super) const DEFAULT_CATALOG: &str = "main";
pub(super) const DEFAULT_SCHEMA: &str = "default";

const TRIPS_NAME: &str = "trips";
const ZONES_NAME: &str = "zones";
const TRIPS: usize = 5000;
/// 2016-01-01T00:00:00Z in microseconds.
const FIRST_PICKUP: i64 = 1_451_606_400_000_000;
const ZONES: [(i32, &str); 12] = [
    (10001, "Manhattan"),
    (10003, "Manhattan"),
    (10019, "Manhattan"),
    (10023, "Manhattan"),
    (10110, "Manhattan"),
    (10282, "Manhattan"),
    (10451, "Bronx"),
    (11101, "Queens"),
    (11371, "Queens"),
    (11430, "Queens"),
    (11201, "Brooklyn"),
    (11211, "Brooklyn"),
];

/// Catalogue `main` with schemas `default` (empty) and `samples`; catalogue `samples` with schema `nyctaxi`.
pub(super) fn store() -> Result<Store> {
    let (trips, zones) = (trips()?, zones()?);
    let store = Store::default();
    let main = Catalog { schemas: [("default".to_owned(), Schema::default())].into(), ..Catalog::default() };
    store.mirror(|all| all.insert(DEFAULT_CATALOG.to_owned(), main));
    for (catalog, schema) in [(DEFAULT_CATALOG, "samples"), ("samples", "nyctaxi")] {
        let mut inside = Schema::default();
        inside.relations.insert(TRIPS_NAME.to_owned(), table(TRIPS_NAME, &trips)?);
        inside.relations.insert(ZONES_NAME.to_owned(), table(ZONES_NAME, &zones)?);
        store.mirror(|all| {
            let catalog: &mut Catalog = all.entry(catalog.to_owned()).or_default();
            catalog.schemas.insert(schema.to_owned(), inside);
        });
    }
    Ok(store)
}

/// A sample by its name.
#[cfg(feature = "delta")]
pub(super) fn named(name: &str) -> Result<Option<Relation>> {
    Ok(match name {
        TRIPS_NAME => Some(table(TRIPS_NAME, &trips()?)?),
        ZONES_NAME => Some(table(ZONES_NAME, &zones()?)?),
        _ => None,
    })
}

fn table(name: &'static str, batch: &RecordBatch) -> Result<Relation> {
    let columns = batch.schema().fields().iter().map(|f| Column::new(f.name(), f.data_type().clone())).collect();
    let mut state = TableState { columns, ..TableState::default() };
    state.batches = vec![retitled(batch, &state.schema())?];
    Ok(Relation::Table(Arc::new(Table::from_sample(name, state))))
}

fn zones() -> Result<RecordBatch> {
    let (zips, boroughs): (Vec<_>, Vec<_>) = ZONES.into_iter().unzip();
    Ok(RecordBatch::try_from_iter([
        ("zip", Arc::new(Int32Array::from(zips)) as ArrayRef),
        ("borough", Arc::new(StringArray::from(boroughs))),
    ])?)
}

/// Taxi rides: a few a minute over some days, with fares that follow distance and duration.
fn trips() -> Result<RecordBatch> {
    let mut pickup = Vec::with_capacity(TRIPS);
    let mut dropoff = Vec::with_capacity(TRIPS);
    let mut distance = Vec::with_capacity(TRIPS);
    let mut fare = Vec::with_capacity(TRIPS);
    let mut from = Vec::with_capacity(TRIPS);
    let mut to = Vec::with_capacity(TRIPS);
    let mut random = Sequence(2016);
    let mut at = FIRST_PICKUP;
    for _ in 0..TRIPS {
        at += random.below(170) * 1_000_000;
        let hundredths = 30 + random.below(60) * random.below(30);
        let seconds = 90 + hundredths * (2 + random.below(4));
        // A ride begins at 2.50 and costs 2.50 a mile and 50 cents every two minutes, to the half dollar.
        let halves = 5 + hundredths * 5 / 100 + seconds / 120;
        pickup.push(at);
        dropoff.push(at + seconds * 1_000_000);
        distance.push(hundredths as f64 / 100.0);
        fare.push(halves as f64 / 2.0);
        from.push(random.zone());
        to.push(random.zone());
    }
    Ok(RecordBatch::try_from_iter([
        ("tpep_pickup_datetime", Arc::new(TimestampMicrosecondArray::from(pickup).with_timezone("UTC")) as ArrayRef),
        ("tpep_dropoff_datetime", Arc::new(TimestampMicrosecondArray::from(dropoff).with_timezone("UTC"))),
        ("trip_distance", Arc::new(Float64Array::from(distance))),
        ("fare_amount", Arc::new(Float64Array::from(fare))),
        ("pickup_zip", Arc::new(Int32Array::from(from))),
        ("dropoff_zip", Arc::new(Int32Array::from(to))),
    ])?)
}

/// A linear congruential sequence (the constants of MMIX), of which the high bits are used.
struct Sequence(u64);

impl Sequence {
    /// A number from 0 to `bound` - 1.
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % bound
    }

    fn zone(&mut self) -> i32 {
        ZONES[self.below(ZONES.len() as i64) as usize].0
    }
}
