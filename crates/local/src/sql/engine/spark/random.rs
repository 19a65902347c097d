//! Random numbers: others each time, or those that Spark has for a seed.
//!
//! Spark gives every partition a generator of its own, begun with the seed and the partition's number. A plan with a seed runs
//! in one partition here (see [`is_seeded`]), so that its numbers are those of Spark's first.

use std::sync::{Mutex, PoisonError};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::optimizer::AnalyzerRule;

use super::fail;
use super::function::{Def, anew, udf};
use super::hash::murmur_bytes;
use super::value::V;

/// The state of one call of a statement.
#[derive(Debug, Default)]
pub(crate) struct Random(Mutex<Option<Seeded>>);

/// For calls that have no seed.
pub(crate) static UNSEEDED: Random = Random(Mutex::new(None));

#[derive(Debug)]
struct Seeded {
    xorshift: XorShift,
    twister: Twister,
}

/// A seed that is stated; NULL is 0.
pub(super) fn seed(value: Option<&V>) -> Option<i64> {
    value.map(|v| if v.is_null() { 0 } else { v.i() })
}

impl Random {
    fn with<T>(&self, seed: i64, draw: impl FnOnce(&mut Seeded) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        draw(state.get_or_insert_with(|| Seeded { xorshift: XorShift::new(seed), twister: Twister::new(seed) }))
    }

    /// At least 0 and less than 1.
    pub(super) fn double(&self, seed: Option<i64>) -> Result<f64> {
        match seed {
            Some(seed) => Ok(self.with(seed, |s| s.xorshift.double())),
            None => Ok((bits()? >> 11) as f64 / (1u64 << 53) as f64),
        }
    }

    /// Of the normal distribution around 0.
    pub(super) fn gaussian(&self, seed: Option<i64>) -> Result<f64> {
        match seed {
            Some(seed) => Ok(self.with(seed, |s| s.xorshift.gaussian())),
            None => {
                let (u, v) = (1.0 - self.double(None)?, self.double(None)?);
                Ok((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos())
            }
        }
    }

    /// A digit or letter.
    pub(super) fn sign(&self, seed: Option<i64>) -> Result<char> {
        const SIGNS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let n = match seed {
            Some(seed) => u64::from(self.with(seed, |s| s.xorshift.next(32) as i32 % 62).unsigned_abs()),
            None => bits()? % 62,
        };
        Ok(usize::try_from(n).ok().and_then(|n| SIGNS.get(n)).map_or('0', |sign| char::from(*sign)))
    }

    /// The places from 0 to `length`, shuffled.
    pub(super) fn places(&self, seed: Option<i64>, length: usize) -> Result<Vec<usize>> {
        let mut places = vec![0; length];
        for i in 0..length {
            let below = u32::try_from(i + 1).unwrap_or(u32::MAX);
            let j = match seed {
                Some(seed) => self.with(seed, |s| s.twister.below(below)),
                None => (bits()? % u64::from(below)) as u32,
            } as usize;
            places[i] = places[j];
            places[j] = i;
        }
        Ok(places)
    }
}

fn bits() -> Result<u64> {
    getrandom::u64().map_err(|e| fail("INTERNAL_ERROR", "XX000", &e.to_string()))
}

/// Spark's `XORShiftRandom`, a `java.util.Random` with other bits.
#[derive(Debug)]
struct XorShift {
    state: i64,
    /// Gaussians come in pairs.
    second: Option<f64>,
}

impl XorShift {
    fn new(seed: i64) -> Self {
        const START: u32 = 0x3c07_4a61;
        let bytes = seed.to_be_bytes();
        let low = murmur_bytes(&bytes, START);
        let high = murmur_bytes(&bytes, low);
        Self { state: (u64::from(high) << 32 | u64::from(low)) as i64, second: None }
    }

    fn next(&mut self, bits: u32) -> u32 {
        let mut next = self.state ^ (self.state << 21);
        next ^= (next as u64 >> 35) as i64;
        next ^= next << 4;
        self.state = next;
        (next as u64 & ((1u64 << bits) - 1)) as u32
    }

    fn double(&mut self) -> f64 {
        let (high, low) = (u64::from(self.next(26)), u64::from(self.next(27)));
        ((high << 27) + low) as f64 / (1u64 << 53) as f64
    }

    /// Marsaglia's polar method.
    fn gaussian(&mut self) -> f64 {
        if let Some(second) = self.second.take() {
            return second;
        }
        loop {
            let (u, v) = (2.0 * self.double() - 1.0, 2.0 * self.double() - 1.0);
            let s = u * u + v * v;
            if s < 1.0 && s != 0.0 {
                // Java's `StrictMath`, which this is, to the last digit.
                let factor = (-2.0 * libm::log(s) / s).sqrt();
                self.second = Some(v * factor);
                return u * factor;
            }
        }
    }
}

/// The Mersenne Twister (MT19937), which Spark shuffles with.
struct Twister {
    state: Box<[u32; Self::N]>,
    at: usize,
}

impl std::fmt::Debug for Twister {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Twister")
    }
}

impl Twister {
    const N: usize = 624;

    /// By both halves of the seed, as `init_by_array` takes them.
    fn new(seed: i64) -> Self {
        let key = [(seed as u64 >> 32) as u32, seed as u32];
        let mut state = Box::new([0u32; Self::N]);
        state[0] = 19_650_218;
        for i in 1..Self::N {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..Self::N {
            let before = state[i - 1];
            let mixed = state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_664_525);
            state[i] = mixed.wrapping_add(key[j]).wrapping_add(j as u32);
            (i, j) = (i + 1, (j + 1) % key.len());
            if i == Self::N {
                state[0] = state[Self::N - 1];
                i = 1;
            }
        }
        for _ in 1..Self::N {
            let before = state[i - 1];
            let mixed = state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941);
            state[i] = mixed.wrapping_sub(i as u32);
            i += 1;
            if i == Self::N {
                state[0] = state[Self::N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, at: Self::N }
    }

    fn next(&mut self, bits: u32) -> u32 {
        if self.at == Self::N {
            for i in 0..Self::N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % Self::N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % Self::N] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^= y >> 18;
        y >> (32 - bits)
    }

    /// Less than `n`, without a bias.
    fn below(&mut self, n: u32) -> u32 {
        if n.is_power_of_two() {
            return ((u64::from(n) * u64::from(self.next(31))) >> 31) as u32;
        }
        loop {
            let bits = self.next(31);
            let value = bits % n;
            // What is beyond the last whole multiple would make small numbers more likely.
            if bits - value <= (i32::MAX as u32).wrapping_sub(n - 1) {
                return value;
            }
        }
    }
}

/// Gives every random call of a statement a state of its own.
#[derive(Debug)]
pub(crate) struct Own;

impl AnalyzerRule for Own {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| {
            if let LogicalPlan::Aggregate(aggregate) = &node
                && let Some(expr) = aggregate.aggr_expr.iter().find(|expr| expr.is_volatile())
            {
                return Err(fail(
                    "AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION",
                    "42845",
                    &format!(
                        "Non-deterministic expression {} should not appear in the arguments of an aggregate function.",
                        expr.schema_name()
                    ),
                ));
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(expr.transform_up(own)?.update_data(|expr| name.restore(expr)))
            })
        })?;
        Ok(plan.data)
    }

    fn name(&self) -> &str {
        "random_calls"
    }
}

fn own(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = expr else { return Ok(Transformed::no(expr)) };
    let Some(func) = anew(&call.func) else { return Ok(Transformed::no(Expr::ScalarFunction(call))) };
    call.func = func;
    if !call.args.is_empty() {
        // The engine takes a call for a constant whose arguments are all constants, and drops an order by it.
        call.args.push(udf(OTHER).call(Vec::new()));
    }
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

/// What no constant is. Random calls have it for their last argument and do not read it.
pub(super) const OTHER: Def =
    Def { name: "__other", signature: "-> b", typing: None, eval: |_, _| Ok(V::Null), nulls: true, volatile: true };

/// Whether a plan has a random call with a seed, whose numbers follow on each other.
pub(crate) fn is_seeded(plan: &LogicalPlan) -> Result<bool> {
    let mut seeded = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && call.func.signature().volatility == Volatility::Volatile
                {
                    let others = match call.func.name() {
                        "shuffle" | "randstr" => 2,
                        "uniform" => 3,
                        _ => 1,
                    };
                    seeded |= call.args.len() > others;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(seeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_seed_are_those_of_spark() {
        assert_eq!(XorShift::new(42).double(), 0.619_189_370_225_301);
        assert_eq!(XorShift::new(1).gaussian(), 1.684_561_125_444_491_9);
        let random = Random::default();
        let text: String = (0..8).map(|_| random.sign(Some(1)).unwrap()).collect();
        assert_eq!(text, "fYxVfArn");
        assert!(random.places(Some(1), 0).unwrap().is_empty());
        assert_eq!(Random::default().places(Some(11), 5).unwrap(), [1, 3, 0, 4, 2]);
    }
}
