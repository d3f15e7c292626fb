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

    /// Tokens that each row has room for, without those that all share.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes of memory that it takes, without what it shares.
    pub fn bytes(&self) -> usize {
        let numbers = self.batch * self.heads * self.capacity * self.head;
        2 * self.layers.len() * numbers * self.kind.size()
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
        let shape = [self.batch, self.heads, capacity, self.head];
        let used = self.length.min(self.capacity);
        self.capacity = capacity;
        for layer in &mut self.layers {
            // One layer after the other: the old and the new memory of all of them are never there at once.
            layer.own = layer.own.take().map(|old| moved(old, shape, used));
        }
    }

    /// Another cache of one row whose first `length` tokens are those of this one, which shares none, with room for `capacity`.
    pub fn copy(&self, length: usize, capacity: usize) -> Self {
        let length = length.min(self.length);
        let capacity = capacity.max(length);
        let shape = [self.batch, self.heads, capacity, self.head];
        let copied = |layer: &Layer| Layer {
            shared: None,
            own: layer.own.clone().map(|own| moved(own, shape, length)),
        };
        Self {
            layers: self.layers.iter().map(copied).collect(),
            batch: self.batch,
            shared: 0,
            length,
            capacity,
            heads: self.heads,
            head: self.head,
            device: self.device.clone(),
            kind: self.kind,
        }
    }

    /// Makes room for so many tokens more; in steps, so that not every token moves all that is there.
    pub fn make_room(&mut self, tokens: usize) {
        const STEP: usize = 64;
        let needed = self.length + tokens;
        if needed > self.capacity {
            let grown = self.capacity + self.capacity / 2;
            self.reserve(needed.max(grown).next_multiple_of(STEP));
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

/// The first `used` tokens in memory of another shape.
fn moved(old: KeysAndValues, shape: [usize; 4], used: usize) -> KeysAndValues {
    let one = |old: Tensor<4>| {
        let new = Tensor::zeros(shape, (&old.device(), old.dtype()));
        let [batch, heads, _, head] = shape;
        match used {
            0 => new,
            _ => new.slice_assign(
                [0..batch, 0..heads, 0..used, 0..head],
                old.narrow(2, 0, used),
            ),
        }
    };
    KeysAndValues {
        keys: one(old.keys),
        values: one(old.values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(batch: usize, from: usize, count: usize) -> KeysAndValues {
        let values: Vec<f32> = (0..batch * count).map(|n| (from + n) as f32).collect();
        let data = burn::tensor::TensorData::new(values, [batch, 1, count, 1]);
        let tensor = Tensor::from_data(data, &Device::flex());
        KeysAndValues {
            keys: tensor.clone(),
            values: tensor,
        }
    }

    fn keys(segments: &[KeysAndValues]) -> Vec<Vec<f32>> {
        let list = |segment: &KeysAndValues| segment.keys.to_data().try_to_vec().unwrap();
        segments.iter().map(list).collect()
    }

    #[test]
    fn room_grows_and_what_is_there_stays() {
        let mut cache = KeyValueCache::new(1, 1, 1, 1, 2, &Device::flex(), DType::F32);
        cache.append(0, tokens(1, 1, 2));
        cache.advance(2);
        cache.make_room(1);
        let seen = cache.append(0, tokens(1, 3, 1));
        assert_eq!(keys(&seen), [[1.0, 2.0, 3.0]]);
        cache.advance(1);
        assert_eq!((cache.length(), cache.capacity), (3, 64));
        cache.truncate(1);
        let seen = cache.append(0, tokens(1, 9, 1));
        assert_eq!(keys(&seen), [[1.0, 9.0]]);
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let mut cache = KeyValueCache::new(1, 1, 1, 1, 4, &Device::flex(), DType::F32);
        assert_eq!(cache.bytes(), 2 * 4 * 4);
        cache.append(0, tokens(1, 1, 3));
        cache.advance(3);
        let mut copy = cache.copy(2, 8);
        assert_eq!((copy.length(), copy.capacity(), copy.bytes()), (2, 8, 64));
        assert_eq!(keys(&copy.append(0, tokens(1, 9, 1))), [[1.0, 2.0, 9.0]]);
        assert_eq!(
            keys(&cache.append(0, tokens(1, 4, 1))),
            [[1.0, 2.0, 3.0, 4.0]]
        );
    }

    #[test]
    fn rows_share_what_came_before_and_go_their_own_ways() {
        let mut prompt = KeyValueCache::new(1, 1, 1, 1, 4, &Device::flex(), DType::F32);
        prompt.append(0, tokens(1, 1, 2));
        prompt.advance(2);
        let mut fork = prompt.fork(3, 0);
        for step in 0..70 {
            fork.make_room(1);
            fork.append(0, tokens(3, 10 * step, 1));
            fork.advance(1);
        }
        assert_eq!((fork.length(), fork.shared(), fork.own()), (72, 2, 70));
        fork.keep_rows(&[2, 0]);
        fork.make_room(1);
        let seen = keys(&fork.append(0, tokens(2, 5, 1)));
        assert_eq!(seen[0], [1.0, 2.0]);
        // Two rows of 71: those that began with 2 and with 0.
        assert_eq!(seen[1].len(), 142);
        assert_eq!((seen[1][0], seen[1][69], seen[1][70]), (2.0, 692.0, 5.0));
        assert_eq!((seen[1][71], seen[1][140], seen[1][141]), (0.0, 690.0, 6.0));
        // The prompt's own cache is as it was.
        assert_eq!(keys(&prompt.append(0, tokens(1, 7, 1))), [[1.0, 2.0, 7.0]]);
    }
}
