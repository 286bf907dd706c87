#!/usr/bin/python3
"""A client written from the specification's two messages alone.

  spec_client.py ADDRESS command.json

The command is the JSON that the specification tells to make: hostConfiguration and
allowedOperations. Prints the status of each message, as `jq -r .status` would.
"""

import json
import pathlib
import sys
import tempfile

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lib.grpc_client import make_stubs  # noqa: E402

PROTO = """syntax = "proto3";
package trident;
service HostManagement {
  rpc UpdateHost(HostUpdateRequest) returns (stream HostStatusState);
}
message HostUpdateRequest {
  string hostConfiguration = 1;
  string allowedOperations = 2;
}
message HostStatusState {
  string status = 1;
}
"""


def main(address: str, command: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "specification.proto").write_text(PROTO)
        make_stubs(pathlib.Path(folder), pathlib.Path(folder), ["specification.proto"])
        sys.path.insert(0, folder)
        # Only exist from here on.
        import specification_pb2  # pylint: disable=import-outside-toplevel,import-error
        import specification_pb2_grpc  # pylint: disable=import-outside-toplevel,import-error

    request = specification_pb2.HostUpdateRequest(**json.loads(pathlib.Path(command).read_text()))
    with grpc.insecure_channel(address) as channel:
        stub = specification_pb2_grpc.HostManagementStub(channel)
        try:
            for message in stub.UpdateHost(request, timeout=600, wait_for_ready=True):
                print(json.dumps({"status": message.status}), flush=True)
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
