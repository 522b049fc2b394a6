use super::choices::Choices;

/// What was done to some bytes.
#[derive(Default)]
pub(super) struct Harm {
    pub(super) flips: usize,
    /// Something else than flipped bits was done.
    pub(super) others: bool,
    /// Bytes are missing.
    pub(super) shortens: bool,
    /// Bytes came in that may be whole frames.
    pub(super) adds: bool,
}

impl Harm {
    pub(super) fn to(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) -> Self {
        let mut harm = Self::default();
        for _ in 0..choices.below(5) {
            if bytes.is_empty() {
                break;
            }
            let at = choices.below(bytes.len());
            let kind = choices.below(6);
            if kind > 0 {
                harm.others = true;
            }
            let end = bytes.len().min(at + 1 + choices.below(600));
            match kind {
                0 => {
                    harm.flips += 1;
                    bytes[at] ^= 1 << choices.below(8);
                }
                1 => bytes[at..end].fill(0),
                2 => {
                    harm.shortens = true;
                    bytes.truncate(at);
                }
                3 => {
                    harm.shortens = true;
                    bytes.drain(at..end);
                }
                4 => {
                    harm.adds = true;
                    let to = choices.below(bytes.len() + 1);
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(to..to, copy);
                }
                _ => {
                    harm.adds = true;
                    bytes.splice(at..at, choices.some().iter().copied());
                }
            }
        }
        harm
    }
}
