//! A reader of frames and of their protobuf, by the specification alone.

/// One row as it was read.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) values: Vec<f64>,
    pub(super) keys: Vec<u64>,
    pub(super) shape: Vec<u64>,
    pub(super) labels: Vec<f64>,
    pub(super) uid: Option<String>,
}

const MARK: [u8; 4] = [0x0a, 0x23, 0xd7, 0xce];

/// The rows of a file, whose frames hold no mark at a multiple of four.
pub(super) fn records(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[..4], MARK);
        let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let end = 8 + length.next_multiple_of(4);
        assert!(bytes[8..end].chunks(4).all(|word| word != MARK), "a mark inside of a frame");
        assert!(bytes[8 + length..end].iter().all(|byte| *byte == 0));
        records.push(record(&bytes[8..8 + length]));
        bytes = &bytes[end..];
    }
    records
}

fn record(bytes: &[u8]) -> Record {
    let mut record = Record::default();
    for (field, bytes) in fields(bytes) {
        match field {
            1 => {
                let tensor = map_value(bytes);
                (record.values, record.keys, record.shape) = tensor;
            }
            2 => record.labels = map_value(bytes).0,
            3 => record.uid = Some(String::from_utf8(bytes.to_vec()).unwrap()),
            other => panic!("field {other}"),
        }
    }
    record
}

type Tensor = (Vec<f64>, Vec<u64>, Vec<u64>);

fn map_value(bytes: &[u8]) -> Tensor {
    let [(1, b"values"), (2, value)] = fields(bytes)[..] else { panic!("no map entry") };
    let [(kind, tensor)] = fields(value)[..] else { panic!("no value") };
    let mut read = Tensor::default();
    for (field, bytes) in fields(tensor) {
        match (field, kind) {
            (1, 2) => {
                read.0 = bytes.chunks(4).map(|it| f32::from_le_bytes(it.try_into().unwrap()).into()).collect()
            }
            (1, 3) => read.0 = bytes.chunks(8).map(|it| f64::from_le_bytes(it.try_into().unwrap())).collect(),
            (1, 7) => read.0 = varints(bytes).into_iter().map(|it| f64::from(it as i32)).collect(),
            (2, _) => read.1 = varints(bytes),
            (3, _) => read.2 = varints(bytes),
            other => panic!("field {other:?}"),
        }
    }
    read
}

/// Numbers and bytes of the fields, which are all of a known length.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        assert_eq!(tag % 8, 2);
        let length = varint(&mut bytes) as usize;
        let (field, rest) = bytes.split_at(length);
        fields.push((tag / 8, field));
        bytes = rest;
    }
    fields
}

fn varints(mut bytes: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        numbers.push(varint(&mut bytes));
    }
    numbers
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (number, rest) = bytes.split_at(length);
    *bytes = rest;
    number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}
