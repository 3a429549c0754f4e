//! A search without coverage, for machines without a C++ compiler: inputs of the corpus, changed at
//! random by a generator of fixed seeds.

/// Makes inputs from a corpus; equal seeds make equal inputs.
#[derive(Debug)]
pub struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    longest: usize,
    state: u64,
}

/// What parsers take for a limit.
const NUMBERS: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

impl<'a> Mutator<'a> {
    /// A generator over `corpus`, which may be empty.
    pub fn new(corpus: &'a [Vec<u8>], longest: usize, seed: u64) -> Self {
        Self { corpus, longest, state: seed }
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random() % bound.max(1) as u64) as usize
    }

    fn chosen(&mut self) -> &'a [u8] {
        let at = self.below(self.corpus.len());
        self.corpus.get(at).map_or(&[], Vec::as_slice)
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.chosen().to_vec();
        for _ in 0..=self.below(5) {
            self.change(&mut input);
        }
        input.truncate(self.longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(16)).min(input.len()).max(at);
        match self.random() % 8 {
            0 => input.insert(at, self.state as u8),
            1 => drop(input.drain(at..end)),
            2 => {
                let part = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, part);
            }
            3 => {
                let other = self.chosen();
                let from = self.below(other.len() + 1);
                let until = (from + 1 + self.below(64)).min(other.len()).max(from);
                input.splice(at..end, other[from..until].iter().copied());
            }
            4 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let end = (at + 8).min(input.len());
                input[at..end].copy_from_slice(&number[..end - at]);
            }
            5 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_string();
                input.splice(at..end, number.bytes());
            }
            6 => input.truncate(at),
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (self.state % 8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_differ_repeat_and_stay_short() {
        let corpus = vec![b"one".to_vec(), vec![b'x'; 90]];
        let inputs = |seed| {
            let mut mutator = Mutator::new(&corpus, 64, seed);
            (0..200).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(1).iter().all(|input| input.len() <= 64));
        assert!(inputs(1).iter().any(|input| !corpus.contains(input)));
    }
}
