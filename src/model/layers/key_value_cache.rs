use burn::tensor::{DType, Device, Tensor};

use super::attention::KeysAndValues;

/// The keys and values of what a model has read, for each layer, in memory that is taken once.
///
/// There are two parts. The *own* part is of each row of a batch. The *shared* part comes before it and is one for all rows:
/// what several candidates begin with is computed and kept once.
#[derive(Debug)]
pub(in crate::model) struct KeyValueCache {
    layers: Vec<Layer>,
    batch: usize,
    shared: usize,
    length: usize,
    capacity: usize,
    heads: usize,
    head: usize,
    device: Device,
    kind: DType,
}

#[derive(Debug, Default)]
struct Layer {
    shared: Option<KeysAndValues>,
    /// `[batch, heads, capacity, head]`. Taken out while it is written to: a tensor that nobody else holds is changed in place.
    own: Option<KeysAndValues>,
}

impl KeyValueCache {
    /// An empty cache for `capacity` tokens in each row of a batch.
    pub fn new(
        layers: usize,
        heads: usize,
        head: usize,
        batch: usize,
        capacity: usize,
        device: &Device,
        kind: DType,
    ) -> Self {
        let mut cache = Self {
            layers: (0..layers).map(|_| Layer::default()).collect(),
            batch,
            shared: 0,
            length: 0,
            capacity,
            heads,
            head,
            device: device.clone(),
            kind,
        };
        cache.allocate();
        cache
    }

    fn allocate(&mut self) {
        let shape = [self.batch, self.heads, self.capacity, self.head];
        let zeros = || Tensor::zeros(shape, (&self.device, self.kind));
        for layer in &mut self.layers {
            layer.own = Some(KeysAndValues {
                keys: zeros(),
                values: zeros(),
            });
        }
    }

    /// Tokens in each row, shared ones included.
    pub fn length(&self) -> usize {
        self.shared + self.length
    }

    /// Tokens that all rows share.
    pub fn shared(&self) -> usize {
        self.shared
    }

    /// Tokens of each row itself.
    pub fn own(&self) -> usize {
        self.length
    }

    /// Writes the keys and values of one layer, `[batch, heads, tokens, head]`, behind what is there, and returns all that
    /// there is. They count once [`Self::advance`] is called, after the last layer.
    pub fn append(&mut self, layer: usize, new: KeysAndValues) -> Vec<KeysAndValues> {
        let start = self.length;
        let end = start + new.keys.dims()[2];
        let Some(layer) = self.layers.get_mut(layer) else {
            return vec![new];
        };
        let Some(own) = layer.own.take() else {
            return vec![new];
        };
        let whole = |tensor: Tensor<4>, new: Tensor<4>| {
            let [batch, heads, _, head] = tensor.dims();
            tensor.slice_assign([0..batch, 0..heads, start..end, 0..head], new)
        };
        let own = KeysAndValues {
            keys: whole(own.keys, new.keys),
            values: whole(own.values, new.values),
        };
        let used = KeysAndValues {
            keys: own.keys.clone().narrow(2, 0, end),
            values: own.values.clone().narrow(2, 0, end),
        };
        layer.own = Some(own);
        layer.shared.iter().cloned().chain([used]).collect()
    }

    /// So many tokens more are in every layer.
    pub fn advance(&mut self, tokens: usize) {
        self.length = (self.length + tokens).min(self.capacity);
    }

    /// Forgets all but the first `length` tokens of a cache that shares none.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Makes room for `capacity` tokens in each row; what is there stays.
    pub fn reserve(&mut self, capacity: usize) {
        if capacity <= self.capacity {
            return;
        }
        let old = std::mem::replace(&mut self.capacity, capacity);
        let old_layers: Vec<_> = self.layers.iter_mut().map(|l| l.own.take()).collect();
        self.allocate();
        let used = self.length.min(old);
        for (layer, own) in self.layers.iter_mut().zip(old_layers) {
            let (Some(old), Some(new)) = (own, layer.own.take()) else {
                continue;
            };
            let moved = |old: Tensor<4>, new: Tensor<4>| {
                let [batch, heads, _, head] = new.dims();
                let part = old.narrow(2, 0, used);
                new.slice_assign([0..batch, 0..heads, 0..used, 0..head], part)
            };
            layer.own = Some(match used {
                0 => new,
                _ => KeysAndValues {
                    keys: moved(old.keys, new.keys),
                    values: moved(old.values, new.values),
                },
            });
        }
    }

    /// A cache of `batch` rows that share what this one has, each with room for `capacity` tokens of its own. This one is
    /// unchanged; nothing is copied.
    pub fn fork(&self, batch: usize, capacity: usize) -> Self {
        let mut fork = Self {
            layers: Vec::with_capacity(self.layers.len()),
            batch,
            shared: self.length,
            length: 0,
            capacity,
            heads: self.heads,
            head: self.head,
            device: self.device.clone(),
            kind: self.kind,
        };
        for layer in &self.layers {
            let shared = layer.own.as_ref().map(|own| KeysAndValues {
                keys: own.keys.clone().narrow(2, 0, self.length),
                values: own.values.clone().narrow(2, 0, self.length),
            });
            fork.layers.push(Layer { shared, own: None });
        }
        fork.allocate();
        fork
    }

    /// Keeps only these rows of the batch, in this order.
    pub fn keep_rows(&mut self, rows: &[usize]) {
        let indices: Vec<i64> = rows.iter().filter_map(|r| i64::try_from(*r).ok()).collect();
        let indices = Tensor::<1, burn::tensor::Int>::from_data(indices.as_slice(), &self.device);
        for layer in &mut self.layers {
            layer.own = layer.own.take().map(|own| KeysAndValues {
                keys: own.keys.select(0, indices.clone()),
                values: own.values.select(0, indices.clone()),
            });
        }
        self.batch = rows.len();
    }
}
