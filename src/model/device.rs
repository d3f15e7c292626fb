use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use super::{ModelError, Quantization};

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

impl DeviceChoice {
    /// The device for weights that are kept like this: those of 8 bits are for the CPU, so that there is nothing left to choose.
    pub fn for_weights(self, quantization: Option<Quantization>) -> Result<Self, ModelError> {
        match (quantization, self) {
            (None, choice) => Ok(choice),
            (Some(_), Self::Auto | Self::Cpu) => Ok(Self::Cpu),
            (Some(kind), Self::Gpu(_)) => Err(ModelError::NotOnGpu { kind, device: self }),
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

    /// A software adapter, which people never get: what runs on GPUs can be tried on it, slowly.
    #[cfg(all(test, feature = "gpu"))]
    pub(super) fn software() -> Self {
        gpu::software()
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

    /// Whether it is the CPU.
    pub fn is_cpu(&self) -> bool {
        !self.is_gpu
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
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use burn::tensor::{Device, DeviceType, FloatDType};

    use super::ComputeDevice;
    use crate::jobs::panic_words;
    use crate::model::ModelError;
    use crate::model::self_test::self_test;
    use crate::model::weights::Precision;

    /// GPUs with their names, and what is wrong with those that can't be opened.
    #[derive(Default)]
    struct Found {
        devices: Vec<(Device, String)>,
        problems: Vec<String>,
    }

    /// Drivers panic where they can't go on; that is a problem of the device, not of the program.
    fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_words(&*panic))
    }

    /// Looks for GPUs. Adapters that are no card are software on the CPU, slower than Burn's own there.
    fn found() -> Found {
        let mut found = Found::default();
        let listed = guarded(|| Device::enumerate(DeviceType::Wgpu).into_vec());
        let listed = listed.unwrap_or_else(|problem| {
            found.problems.push(problem);
            Vec::new()
        });
        for device in listed {
            match guarded(|| device.identity()) {
                Ok(Some(identity)) if identity.physical.is_some() => {
                    found.devices.push((device, identity.name));
                }
                Ok(_) => {}
                Err(problem) => found.problems.push(problem),
            }
        }
        found
    }

    pub(super) fn names() -> Vec<String> {
        let found = found();
        let devices = found.devices.iter().enumerate();
        let named = devices.map(|(number, (_, name))| format!("gpu:{number} ({name})"));
        let problems = found.problems.iter();
        let told = problems.map(|problem| format!("a GPU that can't be used: {problem}"));
        named.chain(told).collect()
    }

    pub(super) fn first() -> (ComputeDevice, Vec<String>) {
        let found = found();
        match found.devices.into_iter().next() {
            Some((device, name)) => tested(device, name),
            None => {
                let told =
                    |problem| format!("a GPU can't be used: {problem}; the model runs on the CPU");
                let problems = found.problems.into_iter().map(told);
                (ComputeDevice::cpu(), problems.collect())
            }
        }
    }

    pub(super) fn numbered(number: usize) -> Result<(ComputeDevice, Vec<String>), ModelError> {
        let mut found = found();
        if number >= found.devices.len() {
            let count = found.devices.len();
            let problems: String = found
                .problems
                .iter()
                .map(|problem| format!("; {problem}"))
                .collect();
            let reason =
                format!("there is no gpu:{number}: GPUs that can be used are {count}{problems}");
            return Err(ModelError::Device(reason));
        }
        let (device, name) = found.devices.swap_remove(number);
        Ok(tested(device, name))
    }

    /// The device, or the CPU where it computes wrongly.
    fn tested(device: Device, name: String) -> (ComputeDevice, Vec<String>) {
        let tried = guarded(|| {
            let is_half = device.supports_dtype(FloatDType::F16);
            let precision = match is_half {
                true => Precision::Half,
                false => Precision::Single,
            };
            self_test(&device, precision).map(|()| is_half)
        });
        match tried.and_then(|passed| passed) {
            Ok(is_half) => {
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

    /// A software adapter, on which everything is computed in 32 bits and nothing was tried before: for tests.
    #[cfg(test)]
    pub(super) fn software() -> ComputeDevice {
        let device = Device::wgpu(burn::tensor::DeviceKind::Cpu);
        let name = device.identity().map(|identity| identity.name);
        ComputeDevice {
            device,
            name: name.unwrap_or_default(),
            is_half: false,
            is_gpu: true,
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
