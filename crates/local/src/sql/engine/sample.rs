//! What the catalogues hold at the start. The rows are generated, the same at every start.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{
    CatalogProvider as _, MemTable, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider as _,
};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

pub(super) const DEFAULT_CATALOG: &str = "main";
pub(super) const DEFAULT_SCHEMA: &str = "default";

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
pub(super) fn register(context: &SessionContext) -> Result<()> {
    let trips = Arc::new(table(trips()?)?);
    let zones = Arc::new(table(zones()?)?);
    let main = MemoryCatalogProvider::new();
    main.register_schema(DEFAULT_SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
    let samples = MemoryCatalogProvider::new();
    for (catalog, schema) in [(&main, "samples"), (&samples, "nyctaxi")] {
        let provider = MemorySchemaProvider::new();
        provider.register_table("trips".to_owned(), Arc::clone(&trips) as _)?;
        provider.register_table("zones".to_owned(), Arc::clone(&zones) as _)?;
        catalog.register_schema(schema, Arc::new(provider))?;
    }
    context.register_catalog(DEFAULT_CATALOG, Arc::new(main));
    context.register_catalog("samples", Arc::new(samples));
    Ok(())
}

fn table(batch: RecordBatch) -> Result<MemTable> {
    MemTable::try_new(batch.schema(), vec![vec![batch]])
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
