//! Fixed-width numbers at fixed places of a superblock; `None` past the end, never a panic.

/// Little-endian 16 bits.
pub fn le16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(array(data, at)?))
}

/// Little-endian 32 bits.
pub fn le32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(array(data, at)?))
}

/// Little-endian 64 bits.
pub fn le64(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(array(data, at)?))
}

/// Big-endian 32 bits.
pub fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(array(data, at)?))
}

/// Big-endian 64 bits.
pub fn be64(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(array(data, at)?))
}

/// A run of bytes.
pub fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}
