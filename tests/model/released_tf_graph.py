"""The authors' network as a TensorFlow graph of its own, to check ours against; run as a program, it also writes files.

    python released_tf_graph.py FOLDER    writes FOLDER/HyperColumn_Deeplabv2-7.{index,data}, FOLDER/checkpoint and
                                          FOLDER/<H>x<W>-<stored|image>.npz with `image` uint8 and `embedmap` float32

Written from the description in method.md with plain tf.nn operations, sharing nothing with sss_model; random weights,
batch-norm statistics far from zero and one, and the variables that a training run leaves behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf

MEANS = np.array((104.00698793, 116.66876762, 122.67891434), np.float32)
SIZES = ((60, 77), (83, 64), (51, 101))
BLOCKS = {
    2: ["a", "b", "c"],
    3: ["a", "b1", "b2", "b3"],
    4: ["a", *[f"b{i}" for i in range(1, 23)]],
    5: ["a", "b", "c"],
}
WIDTH = {2: 64, 3: 128, 4: 256, 5: 512}
RATE = {2: 1, 3: 1, 4: 2, 5: 4}


class Graph:
    """Builds the network; the constructor's generator fills every variable."""

    def __init__(self, image_statistics: bool, seed: int = 5) -> None:
        self.random = np.random.default_rng(seed)
        self.image_statistics = image_statistics

    def variable(self, name, values):
        return tf.get_variable(name, initializer=np.asarray(values, np.float32))

    def conv(self, x, name, size, channels, stride=1, rate=1, gain=1.0):
        inner = int(x.shape[-1])
        scale = gain * np.sqrt(2 / (size * size * inner))
        kernel = self.variable(f"{name}/weights", self.random.normal(0, scale, (size, size, inner, channels)))
        if rate > 1:
            return tf.nn.atrous_conv2d(x, kernel, rate, padding="SAME")
        return tf.nn.conv2d(x, kernel, [1, stride, stride, 1], padding="SAME")

    def norm(self, x, name, gain=1.0):
        channels = int(x.shape[-1])
        gamma = self.variable(f"{name}/gamma", gain * self.random.uniform(0.5, 1.5, channels))
        beta = self.variable(f"{name}/beta", self.random.normal(0, 0.2, channels))
        mean = self.variable(f"{name}/moving_mean", self.random.normal(0, 0.3, channels))
        variance = self.variable(f"{name}/moving_variance", self.random.uniform(0.3, 3.0, channels))
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
        y = self.norm(self.conv(y, f"res{name}_branch2c", 1, 4 * width), f"bn{name}_branch2c", gain=0.3)
        return around + y

    def branch(self, x, number, size, channels, to):
        name = f"hypercolumn_layers/hc_cv_{number}"
        y = self.conv(x, name, size, channels) + self.variable(f"{name}/biases", self.random.normal(0, 0.1, channels))
        return tf.image.resize_bilinear(y, to, align_corners=False, half_pixel_centers=False)

    def dense(self, x, name, *sizes):
        inner, scope = int(x.shape[-1]), f"{name}_matting/linear"
        for place, size in enumerate(sizes, 1):
            values = self.random.normal(0, np.sqrt(1.4 / inner), (inner, size))
            x, inner = tf.matmul(x, self.variable(f"{scope}/fc_weights{place}", values)), size
        bias = "fc_biases" if len(sizes) == 1 else "biases"
        return x + self.variable(f"{scope}/{bias}", self.random.normal(0, 0.1, inner))

    def build(self, image):
        """Features (1, H, W, 128) of `image` (1, H, W, 3): blue, green, red, 0 to 255 minus the means, padded."""
        x = tf.nn.relu(self.norm(self.conv(image, "conv1", 7, 64, 2, gain=0.02), "bn_conv1"))
        x = pool1 = tf.nn.max_pool2d(x, 3, 2, "SAME")
        taps = {}
        for stage, letters in BLOCKS.items():
            for letter in letters:
                total = self.block(x, stage, letter)
                x = tf.nn.relu(total)
            taps[stage] = (total, x)
        to = tf.shape(image)[1:3]
        column = tf.nn.relu(
            tf.concat(
                [
                    self.branch(image / 128.0, 0, 1, 4, to),
                    self.branch(pool1, 1, 1, 124, to),
                    self.branch(taps[3][1], 3, 1, 128, to),
                    self.branch(taps[4][1], 4, 3, 256, to),
                    self.branch(taps[5][0], 5, 3, 512, to),
                ],
                3,
            )
        )
        pixels = tf.reshape(column, [-1, 1024])
        first = tf.nn.relu(self.dense(pixels, "fc1", 256, 512))
        second = tf.nn.relu(self.dense(first, "fc2", 256, 512))
        features = self.dense(tf.concat([first, second], 1), "fc3", 128)
        return tf.reshape(features, [1, to[0], to[1], 128])

    def leave_behind(self) -> None:
        """What a training run saves besides the network."""
        for name in ("fc1_voc12_c0", "fc1_voc12_c3"):
            self.variable(f"{name}/weights", np.zeros((3, 3, 8, 4)))
            self.variable(f"{name}/biases", np.zeros(4))
        self.variable("conv1/weights/Momentum", np.zeros((7, 7, 3, 64)))
        self.variable("Variable", np.zeros(5))
        self.variable("Variable_17", np.zeros((2, 3)))


def write(folder: Path) -> None:
    """The checkpoint and, for every size and both kinds of statistics, an image with its features."""
    tf.disable_eager_execution()
    images = {size: np.random.default_rng(sum(size)).integers(0, 256, (*size, 3), np.uint8) for size in SIZES}
    for image_statistics in (False, True):
        tf.reset_default_graph()
        fed = tf.placeholder(tf.float32, (1, None, None, 3))
        graph = Graph(image_statistics)
        features = graph.build(fed)
        graph.leave_behind()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            if not image_statistics:
                prefix = str(folder / "HyperColumn_Deeplabv2")
                tf.train.Saver().save(session, prefix, global_step=7, write_meta_graph=False)
            for size, image in images.items():
                bgr = np.pad(image[..., ::-1].astype(np.float32) - MEANS, ((50, 50), (50, 50), (0, 0)), "reflect")
                embedmap = session.run(features, {fed: bgr[None]})[0, 50:-50, 50:-50]
                kind = "image" if image_statistics else "stored"
                np.savez(folder / f"{size[0]}x{size[1]}-{kind}.npz", image=image, embedmap=embedmap)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
