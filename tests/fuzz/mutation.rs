//! Changes of bytes. As values, so that proptest can leave out those that do not matter.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Changes a bit of a byte.
    Flip(Index, u8),
    /// Writes over what is there.
    Overwrite(Index, Vec<u8>),
    /// Pushes something between two bytes.
    Insert(Index, Vec<u8>),
    /// Takes some bytes out.
    Remove(Index, usize),
    /// Ends here.
    Cut(Index),
    /// Repeats some bytes.
    Repeat(Index, usize, usize),
    /// Goes on like another seed, from some place of it.
    Splice(Index, Index, Index),
}

/// A seed and what is done to it.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) seed: Index,
    pub(crate) mutations: Vec<Mutation>,
}

impl Mutant {
    /// The bytes.
    pub(crate) fn bytes(&self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.seed.get(seeds).clone();
        for mutation in &self.mutations {
            mutation.apply(&mut bytes, seeds);
        }
        bytes
    }
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        /// A place between the bytes, the end included.
        fn place(index: &Index, bytes: &[u8]) -> usize {
            index.index(bytes.len() + 1)
        }
        match self {
            Self::Flip(index, bit) => {
                if !bytes.is_empty() {
                    *index.get_mut(bytes) ^= 1 << bit;
                }
            }
            Self::Overwrite(index, new) => {
                let start = place(index, bytes);
                for (old, new) in bytes[start..].iter_mut().zip(new) {
                    *old = *new;
                }
            }
            Self::Insert(index, new) => {
                let start = place(index, bytes);
                bytes.splice(start..start, new.iter().copied());
            }
            Self::Remove(index, length) => {
                let start = place(index, bytes);
                bytes.drain(start..(start + length).min(bytes.len()));
            }
            Self::Cut(index) => bytes.truncate(place(index, bytes)),
            Self::Repeat(index, length, times) => {
                let start = place(index, bytes);
                let end = (start + length).min(bytes.len());
                let piece = bytes[start..end].repeat(*times);
                bytes.splice(end..end, piece);
            }
            Self::Splice(index, seed, from) => {
                bytes.truncate(place(index, bytes));
                let other = seed.get(seeds);
                bytes.extend_from_slice(&other[place(from, other)..]);
            }
        }
    }
}

/// Numbers at which readers of binary formats and of lengths go wrong.
const NUMBERS: [u64; 9] = [0, 1, 0x7f, 0xff, i32::MAX as u64, u32::MAX as u64, 1 << 40, i64::MAX as u64, u64::MAX];

/// Seeds with up to six changes, which use these tokens now and then.
pub(crate) fn mutants(tokens: &'static [&'static str]) -> impl Strategy<Value = Mutant> {
    let token = select(tokens).prop_map(|token| token.as_bytes().to_vec());
    let number = (select(NUMBERS.as_slice()), select([1_usize, 2, 4, 8].as_slice()))
        .prop_map(|(number, width)| number.to_le_bytes()[..width].to_vec());
    let new = prop_oneof![token.clone(), token, number, vec(any::<u8>(), 1..5)].boxed();
    let mutation = prop_oneof![
        (any::<Index>(), 0_u8..8).prop_map(|(index, bit)| Mutation::Flip(index, bit)),
        (any::<Index>(), new.clone()).prop_map(|(index, new)| Mutation::Overwrite(index, new)),
        (any::<Index>(), new).prop_map(|(index, new)| Mutation::Insert(index, new)),
        (any::<Index>(), 1_usize..32).prop_map(|(index, length)| Mutation::Remove(index, length)),
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), 1_usize..16, 1_usize..64)
            .prop_map(|(index, length, times)| Mutation::Repeat(index, length, times)),
        (any::<Index>(), any::<Index>(), any::<Index>())
            .prop_map(|(index, seed, from)| Mutation::Splice(index, seed, from)),
    ];
    (any::<Index>(), vec(mutation, 1..6)).prop_map(|(seed, mutations)| Mutant { seed, mutations })
}
