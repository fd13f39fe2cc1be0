//! Protobuf's wire format: numbered data, and nothing of what they mean.

/// One datum of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Datum<'a> {
    /// A number.
    Int(u64),
    /// A text, a message, or a map's entry.
    Bytes(&'a [u8]),
}

/// What is wrong with some bytes.
pub type Damage = &'static str;

impl<'a> Datum<'a> {
    /// As a number.
    pub fn int(&self) -> Result<u64, Damage> {
        match self {
            Self::Int(number) => Ok(*number),
            Self::Bytes(_) => Err("bytes in place of a number"),
        }
    }

    /// As bytes.
    pub fn bytes(&self) -> Result<&'a [u8], Damage> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Int(_) => Err("a number in place of bytes"),
        }
    }

    /// As text.
    pub fn text(&self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text that is not UTF-8")
    }
}

/// Reads a message from its first byte to its last.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the first datum.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next datum and its number.
    pub fn next(&mut self) -> Result<Option<(u32, Datum<'a>)>, Damage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| "a field's number is too large")?;
        let datum = match key & 7 {
            0 => Datum::Int(self.varint()?),
            1 => Datum::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Datum::Bytes(self.take(usize::try_from(length).map_err(|_| "too long")?)?)
            }
            5 => Datum::Bytes(self.take(4)?),
            _ => return Err("a group, which nobody sends"),
        };
        Ok(Some((number, datum)))
    }

    fn varint(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number without end")
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }
}
