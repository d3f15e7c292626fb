use burn::tensor::{bf16, f16};

/// How the numbers of a tensor in a GGUF file are packed. Source: `ggml-quants.c` and `ggml-common.h` of llama.cpp.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockFormat {
    /// The number of the type in files.
    pub kind: u32,
    /// Its name.
    pub name: &'static str,
    /// Numbers in a block.
    pub numbers: usize,
    /// Bytes of a block.
    pub bytes: usize,
    /// A block to its numbers.
    pub unpack: fn(&[u8], &mut [f32]),
}

/// The formats that can be read.
pub(super) const FORMATS: &[BlockFormat] = &[
    BlockFormat {
        kind: 0,
        name: "F32",
        numbers: 1,
        bytes: 4,
        unpack: |block, out| {
            if let ([a, b, c, d], [out]) = (block, out) {
                *out = f32::from_le_bytes([*a, *b, *c, *d]);
            }
        },
    },
    BlockFormat {
        kind: 1,
        name: "F16",
        numbers: 1,
        bytes: 2,
        unpack: |block, out| out.fill(half(block, 0)),
    },
    BlockFormat {
        kind: 30,
        name: "BF16",
        numbers: 1,
        bytes: 2,
        unpack: |block, out| {
            if let ([low, high], [out]) = (block, out) {
                *out = bf16::from_le_bytes([*low, *high]).to_f32();
            }
        },
    },
    BlockFormat {
        kind: 2,
        name: "Q4_0",
        numbers: 32,
        bytes: 18,
        unpack: |block, out| {
            let scale = half(block, 0);
            nibbles(block, 2, out, |nibble| (f32::from(nibble) - 8.0) * scale);
        },
    },
    BlockFormat {
        kind: 3,
        name: "Q4_1",
        numbers: 32,
        bytes: 20,
        unpack: |block, out| {
            let (scale, least) = (half(block, 0), half(block, 2));
            nibbles(block, 4, out, |nibble| f32::from(nibble) * scale + least);
        },
    },
    BlockFormat {
        kind: 8,
        name: "Q8_0",
        numbers: 32,
        bytes: 34,
        unpack: |block, out| {
            let scale = half(block, 0);
            for (out, byte) in out.iter_mut().zip(block.iter().skip(2)) {
                *out = f32::from(byte.cast_signed()) * scale;
            }
        },
    },
];

/// Types that can't be read, for errors.
const OTHERS: &[(u32, &str)] = &[
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (12, "Q4_K"),
    (13, "Q5_K"),
    (14, "Q6_K"),
    (15, "Q8_K"),
    (20, "IQ4_NL"),
    (23, "IQ4_XS"),
    (28, "F64"),
];

impl BlockFormat {
    /// The format of a type.
    pub fn of(kind: u32) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.kind == kind)
    }

    /// The name of a type.
    pub fn name_of(kind: u32) -> String {
        let other = OTHERS.iter().find(|(other, _)| *other == kind);
        match (Self::of(kind), other) {
            (Some(format), _) => format.name.to_owned(),
            (None, Some((_, name))) => (*name).to_owned(),
            (None, None) => format!("number {kind}"),
        }
    }

    /// Packed bytes to all of their numbers.
    pub fn unpack_all(&self, bytes: &[u8], numbers: &mut [f32]) {
        let blocks = bytes.chunks_exact(self.bytes);
        for (block, numbers) in blocks.zip(numbers.chunks_exact_mut(self.numbers)) {
            (self.unpack)(block, numbers);
        }
    }
}

/// The half float at a byte.
fn half(block: &[u8], at: usize) -> f32 {
    match block.get(at..at + 2) {
        Some([low, high]) => f16::from_le_bytes([*low, *high]).to_f32(),
        _ => 0.0,
    }
}

/// Sixteen bytes from `at`: their low halves, then their high halves.
fn nibbles(block: &[u8], at: usize, out: &mut [f32], number: impl Fn(u8) -> f32) {
    let bytes = block.get(at..at + 16).unwrap_or_default();
    let (low, high) = out.split_at_mut(out.len() / 2);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
        (*low, *high) = (number(byte & 15), number(byte >> 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, head: &[f32], body: impl Iterator<Item = u8>) -> Vec<f32> {
        let format = FORMATS.iter().find(|f| f.name == name).unwrap();
        let mut bytes: Vec<u8> = head
            .iter()
            .flat_map(|number| f16::from_f32(*number).to_le_bytes())
            .collect();
        bytes.extend(body);
        assert_eq!(bytes.len(), format.bytes);
        let mut numbers = vec![f32::NAN; format.numbers];
        format.unpack_all(&bytes, &mut numbers);
        numbers
    }

    #[test]
    fn blocks_are_unpacked_low_halves_first() {
        // Byte n has n in its low half and 15 - n in its high half.
        let halves = || (0..16_u8).map(|n| n | (15 - n) << 4);
        let numbers = block("Q4_0", &[0.5], halves());
        assert_eq!(numbers[..3], [-4.0, -3.5, -3.0]);
        assert_eq!((numbers[15], numbers[16], numbers[31]), (3.5, 3.5, -4.0));
        let numbers = block("Q4_1", &[0.5, -1.0], halves());
        assert_eq!(numbers[..3], [-1.0, -0.5, 0.0]);
        assert_eq!((numbers[15], numbers[16], numbers[31]), (6.5, 6.5, -1.0));
        let numbers = block("Q8_0", &[0.25], (0..32_u8).map(|n| n.wrapping_sub(16)));
        assert_eq!((numbers[0], numbers[16], numbers[31]), (-4.0, 0.0, 3.75));
    }

    #[test]
    fn plain_numbers_are_read() {
        let two = |name: &str, bytes: &[u8]| {
            let format = FORMATS.iter().find(|f| f.name == name).unwrap();
            let mut numbers = [f32::NAN; 2];
            format.unpack_all(bytes, &mut numbers);
            numbers
        };
        let bytes = [1.5_f32.to_le_bytes(), (-0.1_f32).to_le_bytes()].concat();
        assert_eq!(two("F32", &bytes), [1.5, -0.1]);
        assert_eq!(two("F16", &[0x00, 0xc0, 0x00, 0x3c]), [-2.0, 1.0]);
        assert_eq!(two("BF16", &[0x80, 0x3f, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(BlockFormat::name_of(12), "Q4_K");
    }
}
