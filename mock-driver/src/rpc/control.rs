//! csi_stretch.control.v1.Control: the simulated node.

use csi_stretch_proto::control::v1::{
    ObserveRequest, ObserveResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
    control_server::Control,
};
use tonic::{Request, Response, Status, async_trait};

use super::Services;

#[async_trait]
impl Control for Services {
    async fn observe(
        &self,
        request: Request<ObserveRequest>,
    ) -> Result<Response<ObserveResponse>, Status> {
        self.run("observe", request, |r| &r.path, |_, d, r| d.observe(&r)).await
    }

    async fn write(
        &self,
        request: Request<WriteRequest>,
    ) -> Result<Response<WriteResponse>, Status> {
        self.run("write", request, |r| &r.path, |_, d, r| d.write(&r)).await
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        self.run("read", request, |r| &r.path, |_, d, r| d.read(&r)).await
    }
}
