use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use super::ModelError;

/// What a person asks for with `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, by its number in `retake model info --devices`.
    Gpu(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("gpu").map(|rest| match rest {
            "" => Some(0),
            rest => rest.strip_prefix(':')?.parse().ok(),
        });
        match (text, number) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(Some(number))) => Ok(Self::Gpu(number)),
            _ => Err(format!("`{text}` is not auto, cpu, gpu or gpu:N")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(number) => write!(f, "gpu:{number}"),
        }
    }
}

/// Where a model runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeDevice {
    device: Device,
    name: String,
    is_half: bool,
    is_gpu: bool,
}

impl Default for ComputeDevice {
    fn default() -> Self {
        Self::cpu()
    }
}

impl ComputeDevice {
    /// The CPU, in 32 bits.
    pub fn cpu() -> Self {
        Self {
            device: Device::flex(),
            name: "cpu".to_owned(),
            is_half: false,
            is_gpu: false,
        }
    }

    /// The device that was asked for. Whatever had to be decided is told in the list.
    pub fn choose(choice: DeviceChoice) -> Result<(Self, Vec<String>), ModelError> {
        match choice {
            DeviceChoice::Cpu => Ok((Self::cpu(), Vec::new())),
            DeviceChoice::Auto => Ok(gpu::first()),
            DeviceChoice::Gpu(number) => gpu::numbered(number),
        }
    }

    /// All devices: the CPU, then GPUs in the order of their numbers.
    pub fn all() -> Vec<String> {
        std::iter::once("cpu (Burn flex)".to_owned())
            .chain(gpu::names())
            .collect()
    }

    /// Whether this build can use GPUs.
    pub fn has_gpu_support() -> bool {
        cfg!(feature = "gpu")
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As Burn has it.
    pub fn burn(&self) -> &Device {
        &self.device
    }

    /// What of Burn computes there, and in which numbers.
    pub fn backend(&self) -> &'static str {
        match (self.is_gpu, self.is_half) {
            (true, true) => "wgpu f16",
            (true, false) => "wgpu f32",
            (false, true) => "flex f16",
            (false, false) => "flex f32",
        }
    }

    /// Whether models compute in 16 bits there.
    pub fn is_half(&self) -> bool {
        self.is_half
    }
}

/// How a build without GPUs is made one with them.
#[cfg(not(feature = "gpu"))]
const HOW: &str = "cargo install --path . --features gpu";

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{ComputeDevice, HOW, ModelError};

    pub(super) fn first() -> (ComputeDevice, Vec<String>) {
        (ComputeDevice::cpu(), Vec::new())
    }

    pub(super) fn numbered(_: usize) -> Result<(ComputeDevice, Vec<String>), ModelError> {
        let reason = format!("this build has no support for GPUs; `{HOW}` makes one that has");
        Err(ModelError::Device(reason))
    }

    pub(super) fn names() -> Vec<String> {
        vec![format!(
            "this build uses no GPU; `{HOW}` makes one that does"
        )]
    }
}

#[cfg(feature = "gpu")]
mod gpu {
    use burn::tensor::{Device, DeviceType, FloatDType};

    use super::ComputeDevice;
    use crate::model::ModelError;
    use crate::model::self_test::self_test;
    use crate::model::weights::Precision;

    /// GPUs and their names. Adapters that are no card are software on the CPU, slower than Burn's own there.
    fn found() -> Vec<(Device, String)> {
        let identified = |device: Device| {
            let identity = device.identity()?;
            identity.physical?;
            Some((device, identity.name))
        };
        let devices = Device::enumerate(DeviceType::Wgpu);
        devices.iter().cloned().filter_map(identified).collect()
    }

    pub(super) fn names() -> Vec<String> {
        let named =
            |(number, (_, name)): (usize, (Device, String))| format!("gpu:{number} ({name})");
        found().into_iter().enumerate().map(named).collect()
    }

    pub(super) fn first() -> (ComputeDevice, Vec<String>) {
        match found().into_iter().next() {
            Some((device, name)) => tested(device, name),
            None => (ComputeDevice::cpu(), Vec::new()),
        }
    }

    pub(super) fn numbered(number: usize) -> Result<(ComputeDevice, Vec<String>), ModelError> {
        let mut found = found();
        if number >= found.len() {
            let count = found.len();
            let reason = format!("there is no gpu:{number}; {count} GPUs were found");
            return Err(ModelError::Device(reason));
        }
        let (device, name) = found.swap_remove(number);
        Ok(tested(device, name))
    }

    /// The device, or the CPU where it computes wrongly.
    fn tested(device: Device, name: String) -> (ComputeDevice, Vec<String>) {
        let is_half = device.supports_dtype(FloatDType::F16);
        let precision = match is_half {
            true => Precision::Half,
            false => Precision::Single,
        };
        match self_test(&device, precision) {
            Ok(()) => {
                let device = ComputeDevice {
                    device,
                    name,
                    is_half,
                    is_gpu: true,
                };
                (device, Vec::new())
            }
            Err(problem) => {
                let told = format!("{name} is not used: {problem}; the model runs on the CPU");
                (ComputeDevice::cpu(), vec![told])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("gpu:2", DeviceChoice::Gpu(2)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("gpu".parse(), Ok(DeviceChoice::Gpu(0)));
        for text in ["", "GPU", "gpu:", "gpu:x", "gpu2", "cuda"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_cpu_is_always_there() {
        let (device, told) = ComputeDevice::choose(DeviceChoice::Cpu).unwrap();
        assert_eq!(
            (device.name(), told.len(), device.backend()),
            ("cpu", 0, "flex f32")
        );
        assert!(ComputeDevice::all()[0].starts_with("cpu"));
    }
}
