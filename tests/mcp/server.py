"""A server of the reference library that finds the same boxes in every picture, over HTTP."""

import sys

from mcp.server import MCPServer

server = MCPServer("boxes")


@server.tool()
def detect(object: str, image_path: str) -> list[list[float]]:
    """Find an object in a picture."""
    if not image_path.endswith(".jpg"):
        raise ValueError(f"no picture: {image_path}")
    return [[1.0, 2.5, 3.0, 4.0]]


server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
