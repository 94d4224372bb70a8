"""Small ICC profiles (ICC.1:2010, version 2) that the encoder tests draw for themselves."""

import struct

Tags = dict[bytes, bytes]

# The primaries of sRGB as a profile holds them: XYZ under D50 (IEC 61966-2-1, adapted by Bradford).
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
WHITE = (0.9642, 1.0, 0.8249)


def matrix_profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float) -> bytes:
    """RGB by the XYZ of its three primaries."""
    tags = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | {name: _gamma(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")})


def grey_profile(gamma: float) -> bytes:
    """Grey by its gamma."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def cmyk_profile(cyan: tuple[int, int, int]) -> bytes:
    """Inks of which two show: the first prints the colour ``cyan``, L*a*b* as a profile's bytes, the last one black."""
    black, white = (0, 128, 128), (255, 128, 128)
    corners = b"".join(bytes(black if number & 1 else cyan if number & 8 else white) for number in range(16))
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + straight * 4 + corners + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _profile(kind: bytes, space: bytes, connection: bytes, tags: Tags) -> bytes:
    name = b"Drawn for a test\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78)
    tags = {b"desc": described, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(WHITE)} | tags
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sI4s4s8sI3i4s44s",
        *(start + len(body), b"none", 0x02400000, kind, space, connection, bytes(12), b"acsp", bytes(4)),
        *(0, bytes(4), bytes(4), bytes(8), 0, *(round(part * 65536) for part in WHITE), bytes(4), bytes(44)),
    )
    return head + struct.pack(">I", len(tags)) + table + body


def _xyz(parts: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(part * 65536) for part in parts))


def _gamma(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
