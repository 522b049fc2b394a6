/// What is wrong. One byte, to be handed up quickly.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flaw {
    Followed,
    Order,
    NoObject,
    Twice,
    Missing,
    TooDeep,
    NoValue,
    NoComma,
    NoName,
    Reserved,
    NoColon,
    NoString,
    Control,
    NoEnd,
    NoText,
    HalfPair,
    NoEscape,
    OutOfRange,
    NoDigit,
    NoSeconds,
}

impl Flaw {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Followed => "something follows its end",
            Self::Order => "the fields of an event are type, data, ts, then id, actor, meta",
            Self::NoObject => "it is not an object",
            Self::Twice => "a field that is there twice",
            Self::Missing => "an event has type, data and ts",
            Self::TooDeep => "it nests too deep",
            Self::NoValue => "expected a value",
            Self::NoComma => "expected a comma or a closing bracket",
            Self::NoName => "expected a field's name",
            Self::Reserved => "a key that serde_json takes for its own",
            Self::NoColon => "expected a colon",
            Self::NoString => "expected a string",
            Self::Control => "a control character in a string",
            Self::NoEnd => "a string without an end",
            Self::NoText => "a string that is not UTF-8",
            Self::HalfPair => "half of a surrogate pair",
            Self::NoEscape => "an escape that JSON does not have",
            Self::OutOfRange => "a number out of range",
            Self::NoDigit => "expected a digit",
            Self::NoSeconds => "`ts` takes whole seconds from 1970 on",
        }
    }
}
