//! Control: looks and works on the simulated node, by path alone. The `loop` backing answers
//! UNIMPLEMENTED, for there the kernel can be asked.

use csi_stretch_proto::control::v1::{
    ObserveRequest, ObserveResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use tonic::Status;

use super::{Driver, Reply, ask};

impl Driver {
    /// Control.Observe.
    pub fn observe(&self, request: &ObserveRequest) -> Reply<ObserveResponse> {
        let seen = self.backing.observe(&ask::path(&request.path, "path")?)?;
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let fs = seen.file_system;
        Ok(ObserveResponse {
            device_bytes: signed(seen.device_bytes),
            fs_type: fs.map(|fs| fs.fs_type.name().to_owned()).unwrap_or_default(),
            fs_bytes: fs.map_or(0, |fs| signed(fs.bytes)),
            total_bytes: fs.map_or(0, |_| signed(seen.stats.total_bytes)),
            available_bytes: fs.map_or(0, |_| signed(seen.stats.available_bytes)),
            read_only: seen.read_only,
            device_id: seen.device_id,
        })
    }

    /// Control.Write.
    pub fn write(&self, request: &WriteRequest) -> Reply<WriteResponse> {
        let path = ask::path(&request.path, "path")?;
        let offset = natural(request.offset, "offset")?;
        self.backing.write(&path, &request.file, offset, &request.data)?;
        Ok(WriteResponse {})
    }

    /// Control.Read.
    pub fn read(&self, request: &ReadRequest) -> Reply<ReadResponse> {
        let path = ask::path(&request.path, "path")?;
        let offset = natural(request.offset, "offset")?;
        let length = natural(request.length, "length")?;
        if length > crate::rpc::MESSAGE_MAX as u64 / 2 {
            return Err(Status::invalid_argument("length is more than one message carries"));
        }
        Ok(ReadResponse { data: self.backing.read(&path, &request.file, offset, length)? })
    }
}

fn natural(value: i64, field: &str) -> Reply<u64> {
    u64::try_from(value).map_err(|_| Status::invalid_argument(format!("{field} is negative")))
}
