//! What to tell about the shards of a training set that are not there, or not equal.

use crate::plan::DEFAULT_SPLIT;
use gristmill_proto::manifest::{Balance, Distribution, Manifest, SplitInfo};

/// What a distributed trainer would stumble over: instances that are to read shards of their own have nothing to train on,
/// or wait for each other. One sentence for each split, one for instances without a shard to train on, and one for all splits
/// whose shards rolled.
pub(super) fn complaints(manifest: &Manifest) -> Vec<String> {
    let mut complaints = by_split(manifest);
    complaints.extend(idle(manifest));
    complaints.extend(rolled(manifest));
    complaints
}

/// Instances that get no shard of the rows to train on.
fn idle(manifest: &Manifest) -> Option<String> {
    let instances = u64::from(manifest.training.instances);
    let train = manifest.splits.iter().find(|split| split.name == DEFAULT_SPLIT)?;
    let is_dealt = manifest.training.distribution == Distribution::ShardedByS3Key;
    (is_dealt && (1..instances).contains(&train.shards)).then(|| {
        format!(
            "split {DEFAULT_SPLIT} has {} shards with rows for {instances} instances, {} of which have nothing to train on: \
             make 'instances' smaller",
            train.shards,
            instances - train.shards
        )
    })
}

/// Splits whose number of shards nobody fixed; a copy has none, as its one split has no name.
fn rolled(manifest: &Manifest) -> Option<String> {
    if manifest.placement.shards.is_some() {
        return None;
    }
    let names = manifest.splits.iter().map(|split| split.name.as_str()).filter(|name| !name.is_empty());
    let are_uneven = |name: &&str| sizes(manifest, name).is_some_and(|(least, most)| are_apart(least, most));
    let uneven: Vec<&str> = names.filter(are_uneven).collect();
    (!uneven.is_empty()).then(|| {
        format!(
            "shards of {} are more than 5 % apart, as each task wrote its own: OPTIONS ('shards' 'n') makes n equal ones",
            uneven.join(", ")
        )
    })
}

fn by_split(manifest: &Manifest) -> Vec<String> {
    let shards = manifest.placement.shards.map(u64::from);
    let by_hash = manifest.placement.balance == Some(Balance::Hash);
    let hint = if by_hash { ": OPTIONS ('balance' 'exact') makes them equal to one row" } else { "" };
    let complaint = |split: &SplitInfo| {
        let SplitInfo { name, rows, shards: written, .. } = split;
        if *rows == 0 {
            // A copy has one split without a name; no rows are no surprise there.
            return (!name.is_empty()).then(|| format!("split {name} has no rows"));
        }
        let shards = shards?;
        if *rows < shards {
            let of_them = format!("{written} of them have a row, the others are not there");
            return Some(format!("split {name} has {rows} rows, fewer than its {shards} shards: {of_them}"));
        }
        if *written < shards {
            return Some(format!(
                "split {name} has {rows} rows, and only {written} of its {shards} shards have any{hint}"
            ));
        }
        let (smallest, largest) = sizes(manifest, name)?;
        are_apart(smallest, largest).then(|| {
            format!(
                "the {shards} shards of split {name} have {smallest} to {largest} rows, more than 5 % apart{hint}"
            )
        })
    };
    manifest.splits.iter().filter_map(complaint).collect()
}

/// The rows of the smallest and of the largest shard of a split.
fn sizes(manifest: &Manifest, split: &str) -> Option<(u64, u64)> {
    let sizes = || manifest.shards.iter().filter(|shard| shard.split == split).map(|shard| shard.rows);
    Some((sizes().min()?, sizes().max()?))
}

/// Whether sizes differ by more than 5 % of the larger one, and by more than the one row that cannot be helped.
fn are_apart(smallest: u64, largest: u64) -> bool {
    let difference = largest - smallest;
    difference > 1 && difference * 20 > largest
}

#[cfg(test)]
mod tests;
