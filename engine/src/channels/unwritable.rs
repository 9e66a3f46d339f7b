//! Built-in algorithms whose input is no set of shards of rows: they are known, and refused with what they read.

use crate::error::{Code, Error};

struct Unwritable {
    name: &'static str,
    /// What it reads, behind "reads".
    reads: &'static str,
    /// What a user can do.
    hint: &'static str,
}

static UNWRITABLE: [Unwritable; 4] = [
    Unwritable {
        name: "seq2seq",
        // As tensors `source` and `target`, where RECORDIO has one tensor, `values`, of one length in all rows.
        reads: "records of two lists of tokens, of any length, and a channel of vocabularies",
        hint: "leave 'algorithm' out, use STORED AS JSONL, and make records and vocabularies of it with the script of \
               SageMaker's example",
    },
    Unwritable {
        name: "image-classification-tensorflow",
        reads: "a folder of image files for each class",
        hint: "use 'algorithm' 'image-classification' and STORED AS IMAGE_RECORDIO or STORED AS AUGMENTED_MANIFEST",
    },
    Unwritable {
        name: "object-detection-tensorflow",
        reads: "a folder of image files and one file annotations.json",
        hint: "use 'algorithm' 'object-detection' and STORED AS IMAGE_RECORDIO or STORED AS AUGMENTED_MANIFEST",
    },
    Unwritable {
        name: "text-classification-tensorflow",
        reads: "one file named data.csv",
        hint: "leave 'algorithm' out, use STORED AS CSV LABEL class OPTIONS ('shards' '1'), and copy the shard of each \
               split to a file of that name; or use 'algorithm' 'blazingtext'",
    },
];

/// Why the algorithm of that name is refused, if it is one of those. `-tf` is short for `-tensorflow`.
pub(super) fn refusal(name: &str) -> Option<Error> {
    let stem = name.strip_suffix("-tf").or_else(|| name.strip_suffix("-tensorflow"));
    let is_named = |known: &&Unwritable| {
        known.name == name || stem.is_some_and(|stem| known.name == format!("{stem}-tensorflow"))
    };
    let Unwritable { name, reads, hint } = UNWRITABLE.iter().find(is_named)?;
    let message = format!("algorithm {name} reads {reads}, which is no format of a training set");
    Some(Error::new(Code::Unsupported, message).with_hint(*hint))
}
