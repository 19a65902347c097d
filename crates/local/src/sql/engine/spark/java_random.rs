//! The random numbers of `java.util.Random`, whose documentation states how they follow from the seed. Some functions
//! of the platform have them in their results.

const MULTIPLIER: u64 = 0x5_deec_e66d;
const MASK: u64 = (1 << 48) - 1;

pub(super) struct JavaRandom(u64);

impl JavaRandom {
    pub(super) fn new(seed: i64) -> Self {
        Self((seed as u64 ^ MULTIPLIER) & MASK)
    }

    /// A number of so many bits, with its sign at 32.
    fn next(&mut self, bits: u32) -> i32 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(0xb) & MASK;
        (self.0 >> (48 - bits)) as i32
    }

    /// From 0 to below a bound that is no power of two.
    pub(super) fn below(&mut self, bound: i32) -> i32 {
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            // Numbers at the end would come more often.
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }

    /// From 0 to below 1.
    pub(super) fn double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 / (1i64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_java() {
        // `new Random(42)`: nextInt(10) three times; then nextDouble() of a new one.
        let mut random = JavaRandom::new(42);
        assert_eq!([random.below(10), random.below(10), random.below(10)], [0, 3, 8]);
        assert_eq!(JavaRandom::new(42).double(), 0.727_563_680_032_868_1);
    }
}
