// The specification's own Go module, pinned here and checksummed in go.sum. `ci/test` takes the
// official csi.proto out of it and proto/tests/wire compares ours with that file. No Go code.
module csi-stretch/ci/wire

go 1.23.0

require github.com/container-storage-interface/spec v1.12.0
