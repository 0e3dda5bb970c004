"""The authors' network as a TensorFlow graph of its own, to check ours against; run as a program, it writes files.

    python released_tf_graph.py FOLDER    writes FOLDER/HyperColumn_Deeplabv2-7.{index,data}, FOLDER/checkpoint,
                                          FOLDER/features.npz: for every size and kind of statistics, at all pixels,
                                          and FOLDER/released_features.npz: the same at a few, kept as
                                          released/features.npz

Written from the network's description with plain tf.nn operations, sharing nothing with sss_model; the weights come
from `released_values`, and with them go the variables that a training run leaves behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf
from released_values import SIZES, made_image, made_points, made_weight

MEANS = np.array((104.00698793, 116.66876762, 122.67891434), np.float32)
BLOCKS = {
    2: ["a", "b", "c"],
    3: ["a", "b1", "b2", "b3"],
    4: ["a", *[f"b{i}" for i in range(1, 23)]],
    5: ["a", "b", "c"],
}
WIDTH = {2: 64, 3: 128, 4: 256, 5: 512}
RATE = {2: 1, 3: 1, 4: 2, 5: 4}


class Graph:
    """Builds the network; batch norm by each image's statistics or by stored ones."""

    def __init__(self, image_statistics: bool) -> None:
        self.image_statistics = image_statistics

    def variable(self, name, *shape):
        return tf.get_variable(name, initializer=made_weight(name, shape))

    def conv(self, x, name, size, channels, stride=1, rate=1):
        kernel = self.variable(f"{name}/weights", size, size, int(x.shape[-1]), channels)
        if rate > 1:
            return tf.nn.atrous_conv2d(x, kernel, rate, padding="SAME")
        return tf.nn.conv2d(x, kernel, [1, stride, stride, 1], padding="SAME")

    def norm(self, x, name):
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = (self.variable(f"{name}/{part}", int(x.shape[-1])) for part in parts)
        if self.image_statistics:
            mean, variance = tf.nn.moments(x, [0, 1, 2])
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)

    def block(self, x, stage, letter):
        name, width = f"{stage}{letter}", WIDTH[stage]
        stride = 2 if (stage, letter) == (3, "a") else 1
        around = x
        if letter == "a":
            around = self.norm(self.conv(x, f"res{name}_branch1", 1, 4 * width, stride), f"bn{name}_branch1")
        y = tf.nn.relu(self.norm(self.conv(x, f"res{name}_branch2a", 1, width, stride), f"bn{name}_branch2a"))
        y = self.conv(y, f"res{name}_branch2b", 3, width, rate=RATE[stage])
        y = tf.nn.relu(self.norm(y, f"bn{name}_branch2b"))
        return around + self.norm(self.conv(y, f"res{name}_branch2c", 1, 4 * width), f"bn{name}_branch2c")

    def branch(self, x, number, size, channels, to):
        name = f"hypercolumn_layers/hc_cv_{number}"
        y = self.conv(x, name, size, channels) + self.variable(f"{name}/biases", channels)
        return tf.image.resize_bilinear(y, to, align_corners=False, half_pixel_centers=False)

    def dense(self, x, name, *sizes):
        inner, scope = int(x.shape[-1]), f"{name}_matting/linear"
        for place, size in enumerate(sizes, 1):
            x, inner = tf.matmul(x, self.variable(f"{scope}/fc_weights{place}", inner, size)), size
        return x + self.variable(f"{scope}/{'fc_biases' if len(sizes) == 1 else 'biases'}", inner)

    def build(self, image):
        """Features (1, H, W, 128) of `image` (1, H, W, 3): blue, green, red, 0 to 255 minus the means, padded."""
        x = tf.nn.relu(self.norm(self.conv(image, "conv1", 7, 64, 2), "bn_conv1"))
        x = pool1 = tf.nn.max_pool2d(x, 3, 2, "SAME")
        taps = {}
        for stage, letters in BLOCKS.items():
            for letter in letters:
                total = self.block(x, stage, letter)
                x = tf.nn.relu(total)
            taps[stage] = (total, x)
        to = tf.shape(image)[1:3]
        branches = [
            self.branch(image / 128.0, 0, 1, 4, to),
            self.branch(pool1, 1, 1, 124, to),
            self.branch(taps[3][1], 3, 1, 128, to),
            self.branch(taps[4][1], 4, 3, 256, to),
            self.branch(taps[5][0], 5, 3, 512, to),
        ]
        pixels = tf.reshape(tf.nn.relu(tf.concat(branches, 3)), [-1, 1024])
        first = tf.nn.relu(self.dense(pixels, "fc1", 256, 512))
        second = tf.nn.relu(self.dense(first, "fc2", 256, 512))
        features = self.dense(tf.concat([first, second], 1), "fc3", 128)
        return tf.reshape(features, [1, to[0], to[1], 128])

    def leave_behind(self) -> None:
        """What a training run saves besides the network."""
        for name in ("fc1_voc12_c0", "fc1_voc12_c3"):
            self.variable(f"{name}/weights", 3, 3, 8, 4)
            self.variable(f"{name}/biases", 4)
        self.variable("conv1/weights/Momentum", 7, 7, 3, 64)
        self.variable("Variable", 5)
        self.variable("Variable_17", 2, 3)


def write(folder: Path) -> None:
    """The checkpoint and the features."""
    tf.disable_eager_execution()
    maps: dict[str, np.ndarray] = {}
    for kind in ("stored", "image"):
        tf.reset_default_graph()
        fed = tf.placeholder(tf.float32, (1, None, None, 3))
        graph = Graph(kind == "image")
        features = graph.build(fed)
        graph.leave_behind()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            if kind == "stored":
                prefix = str(folder / "HyperColumn_Deeplabv2")
                tf.train.Saver().save(session, prefix, global_step=7, write_meta_graph=False)
            for size in SIZES:
                bgr = made_image(size)[..., ::-1].astype(np.float32) - MEANS
                padded = np.pad(bgr, ((50, 50), (50, 50), (0, 0)), "reflect")
                maps[f"{size[0]}x{size[1]}-{kind}"] = session.run(features, {fed: padded[None]})[0, 50:-50, 50:-50]
    np.savez(folder / "features.npz", **maps)
    few = {}
    for size in SIZES:
        x, y = made_points(size).T
        few |= {key: values[y, x] for key, values in maps.items() if key.startswith(f"{size[0]}x{size[1]}-")}
    np.savez_compressed(folder / "released_features.npz", **few)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
