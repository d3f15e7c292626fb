use std::fs;

/// A model that can be run here and is known to be of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuggestedModel {
    /// Its repository.
    pub repository: &'static str,
    /// Numbers in its weights, in millions.
    pub millions: u64,
    /// Whether it takes pictures.
    pub takes_pictures: bool,
    /// Its license.
    pub license: &'static str,
}

/// From small to large.
pub const SUGGESTED: &[SuggestedModel] = &[
    SuggestedModel {
        repository: "HuggingFaceTB/SmolLM2-135M-Instruct",
        millions: 135,
        takes_pictures: false,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "HuggingFaceTB/SmolVLM-256M-Instruct",
        millions: 256,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "HuggingFaceTB/SmolVLM-500M-Instruct",
        millions: 507,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "HuggingFaceTB/SmolLM2-1.7B-Instruct",
        millions: 1711,
        takes_pictures: false,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "Qwen/Qwen3-VL-2B-Instruct",
        millions: 2127,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "Qwen/Qwen2-VL-2B-Instruct",
        millions: 2209,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "HuggingFaceTB/SmolVLM-Instruct",
        millions: 2246,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "Qwen/Qwen2.5-VL-3B-Instruct",
        millions: 3755,
        takes_pictures: true,
        license: "Qwen Research (not for commercial use)",
    },
    SuggestedModel {
        repository: "Qwen/Qwen2-VL-7B-Instruct",
        millions: 8291,
        takes_pictures: true,
        license: "apache-2.0",
    },
    SuggestedModel {
        repository: "Qwen/Qwen2.5-VL-7B-Instruct",
        millions: 8292,
        takes_pictures: true,
        license: "apache-2.0",
    },
];

impl SuggestedModel {
    /// Bytes of memory that its weights, with a tenth for the cache and what is computed, take in numbers of so many bytes.
    pub fn memory(&self, bytes_each: u64) -> u64 {
        self.millions * 1_000_000 * bytes_each * 11 / 10
    }

    /// Whether it runs on the CPU of a machine with so much memory and leaves a fifth of that to others.
    pub fn fits(&self, memory: u64) -> bool {
        self.memory(4) <= memory / 5 * 4
    }
}

/// Bytes of memory of this machine; `None` where the system does not say in a way that is known here.
pub fn memory_of_this_machine() -> Option<u64> {
    total(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_told_by_the_memory() {
        assert_eq!(
            total("MemTotal:       2048 kB\nMemFree: 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(total("MemTotal: many kB"), None);
        let fitting = |gigabytes: u64| {
            let fits = |model: &&SuggestedModel| model.fits(gigabytes << 30);
            SUGGESTED.iter().filter(fits).count()
        };
        assert_eq!((fitting(1), fitting(64)), (1, SUGGESTED.len()));
        assert!(SUGGESTED.is_sorted_by_key(|model| model.millions));
    }
}
