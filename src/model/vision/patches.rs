use burn::tensor::{Tensor, TensorData};

use super::{PatchOrder, Pixels};
use crate::model::ModelError;
use crate::model::layers::Weight;

/// The patches of a picture on a model's device, `[patches, inputs]`, and where they are. `weight` is what they are multiplied with,
/// `[outputs, inputs]`.
pub(in crate::model) fn patches(
    pixels: &Pixels,
    weight: &Weight,
    merge: usize,
) -> Result<(Tensor<2>, PatchOrder), ModelError> {
    let (order, values) = order_of(pixels, weight, merge)?;
    let count = order.frames * order.rows * order.columns;
    let data = TensorData::new(values.to_vec(), [count, weight.dims()[1]]);
    let patches = Tensor::from_data(data, (&weight.device(), weight.dtype()));
    Ok((patches, order))
}

/// How many tokens a picture's patches become.
pub(in crate::model) fn patch_tokens(
    pixels: &Pixels,
    weight: &Weight,
    merge: usize,
) -> Result<usize, ModelError> {
    let (order, _) = order_of(pixels, weight, merge)?;
    Ok(order.frames * order.rows * order.columns / (merge * merge))
}

fn order_of<'a>(
    pixels: &'a Pixels,
    weight: &Weight,
    merge: usize,
) -> Result<(PatchOrder, &'a [f32]), ModelError> {
    let Pixels::Patches { values, grid } = pixels else {
        return Err(ModelError::Pixels("patches are wanted".to_owned()));
    };
    let [frames, rows, columns] = *grid;
    let count = frames * rows * columns;
    let inputs = weight.dims()[1];
    let is_whole = rows.is_multiple_of(merge) && columns.is_multiple_of(merge);
    if count == 0 || !is_whole || values.len() != count * inputs {
        let reason = format!(
            "{frames} × {rows} × {columns} patches of {} numbers do not fit a model of {merge} × {merge} patches of {inputs}",
            values.len() / count.max(1)
        );
        return Err(ModelError::Pixels(reason));
    }
    let order = PatchOrder {
        frames,
        rows,
        columns,
        merge,
    };
    Ok((order, values))
}
