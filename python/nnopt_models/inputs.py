"""Real inputs for the models: a photo as the classifiers want it, a sentence as tokens.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np


def load_photo(path, size=224):
    """The middle square of a photo as floats [1, 3, size, size], scaled as EfficientNet-lite expects: (p - 127) / 128."""
    from PIL import Image

    with Image.open(path) as file:
        image = file.convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    image = image.crop((left, top, left + edge, top + edge)).resize((size, size), Image.Resampling.BICUBIC)
    pixels = (np.asarray(image, np.float32) - 127) / 128
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def tokenize(tokenizer_json, sentence, length=None):
    """Inputs of MiniLM for one sentence: ids, mask, types, each int64 [1, n], padded to `length` when given."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    tokenizer.no_padding()
    encoding = tokenizer.encode(sentence)
    ids = encoding.ids[:length]
    count = max(length or 0, len(ids))
    feeds = {name: np.zeros((1, count), np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    feeds["input_ids"][0, :len(ids)] = ids
    feeds["attention_mask"][0, :len(ids)] = 1
    return feeds
