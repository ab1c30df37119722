#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_rtp and fuzz_rtcp into test/fuzz/corpus: run it after adding one here."""
import os
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def rtp(payload, profile=None, block=b"", first=0x80, marker_type=96, tail=b""):
    head = struct.pack("!BBHII", first | (0x10 if profile else 0), marker_type, 1000, 90000, 0xCAFE)
    if profile:
        block += b"\0" * (-len(block) % 4)
        head += struct.pack("!HH", profile, len(block) // 4) + block
    return head + payload + tail


VP8_KEY = bytes.fromhex("90e0810255601000009d012a8002e001") + b"\xaa" * 20
VP9_KEY = bytes.fromhex("aa9234000938014000b402800168010401") + b"\xaa" * 10
H264_STAP = bytes.fromhex("78000267420001680002" "6588")
H264_FU = bytes.fromhex("7c8588") + b"\xaa" * 10
AV1_KEY = bytes.fromhex("28020800" "3000")
# Two templates, two targets, no chains, one size: start, end, id 0, number 1, structure
DD_BITS = (
    "1" "1" "000000" "0000000000000001" "10000" "000000" "00001" "01" "11" "10110111" "0" "10000" "0" "00" "1"
    + format(639, "016b") + format(359, "016b")
)
DD_KEY = int(DD_BITS + "0" * (-len(DD_BITS) % 8), 2).to_bytes((len(DD_BITS) + 7) // 8, "big")

RTP = {
    "vp8-key": rtp(VP8_KEY, 0xBEDE, bytes.fromhex("108a31abcd40310000")),
    "vp8-delta": rtp(bytes.fromhex("80a07f60110000") + b"\xaa" * 30, marker_type=0xE0),
    "vp9-key": rtp(VP9_KEY),
    "vp9-delta": rtp(bytes.fromhex("f805400305020000")),
    "h264-stap": rtp(H264_STAP),
    "h264-fu": rtp(H264_FU),
    "av1-key": rtp(AV1_KEY, 0x1000, bytes([8, len(DD_KEY)]) + DD_KEY),
    "dd-payload": rtp(DD_KEY, 0xBEDE, bytes.fromhex("82000002")),
    "opus": rtp(b"\x78" * 40, 0xBEDE, bytes.fromhex("1085910010"), marker_type=111),
    "red": rtp(bytes.fromhex("ef0f0003" "ef078005" "6f") + b"oldoldernews", marker_type=63),
    "red-alone": rtp(b"\x6f\x78", marker_type=63),
    "padding-only": rtp(b"", first=0xA0, tail=b"\0" * 9 + b"\x0a"),
    "rtx": rtp(struct.pack("!H", 999) + VP8_KEY, marker_type=97),
    "csrc": rtp(b"\0\0\0\1\0\0\0\2" + b"abc", first=0x82),
    "two-byte": rtp(b"x", 0x1000, bytes.fromhex("0102aabb" "0300" "04036d6964" "c80100")),
}


def rtcp(count, kind, body):
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


BLOCK = struct.pack("!IIIIII", 0xCAFE, 0x40000005, 70000, 33, 0x11223344, 6553)
SR = rtcp(1, 200, struct.pack("!IQIII", 1, 0x8300000012345678, 90000, 10, 1000) + BLOCK)
RR = rtcp(2, 201, struct.pack("!I", 1) + BLOCK + BLOCK)
SDES = rtcp(1, 202, struct.pack("!I", 1) + b"\x01\x07someone" + b"\0\0\0")
TWCC = bytes.fromhex("000a001a00000105" "20030002a001d800" "040404080804fffc00000000")

RTCP = {
    "sr-sdes": SR + SDES,
    "rr-sdes-bye": RR + SDES + rtcp(1, 203, struct.pack("!I", 1)),
    "sdes-two": rtcp(2, 202, bytes.fromhex("0000000102026e6e0102616200000000" "0000000201016300")),
    "pli": rtcp(1, 206, struct.pack("!II", 1, 2)),
    "fir": rtcp(4, 206, struct.pack("!IIIBxxx", 1, 0, 2, 7)),
    "nack": rtcp(1, 205, struct.pack("!IIHHHH", 1, 2, 100, 0x8001, 200, 0)),
    "remb": rtcp(15, 206, struct.pack("!II4sBBHI", 1, 0, b"REMB", 1, 0x1F, 0x1234, 2)),
    "twcc": rtcp(15, 205, struct.pack("!II", 1, 2) + TWCC),
    "xr-rrtr": rtcp(0, 207, struct.pack("!IBxHQ", 1, 4, 2, 0x8300000012345678)),
    "xr-dlrr": rtcp(0, 207, struct.pack("!IBxHIII", 1, 5, 3, 2, 0x11223344, 99)),
    "padded": b"\xa0" + rtcp(0, 201, struct.pack("!II", 1, 4))[1:],
}

for folder, seeds in (("rtp", RTP), ("rtcp", RTCP)):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(HERE, folder, name), "wb") as file:
            file.write(data)
