"""The networks of networks.ts in PyTorch, as modules with two outputs: the age, and the logit of the gender.

The backbones have the layers of keras.applications: its biases, padding and batch normalization, not those of torchvision.
"""
import torch
from torch import nn
from torch.nn import functional

DROPOUT = 0.3
RESIDUAL_BLOCKS = [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1)]


def norm(channels, eps=1e-3, momentum=0.99):
    return nn.BatchNorm2d(channels, eps=eps, momentum=1 - momentum)  # Keras's momentum weighs the old value.


class SameConv(nn.Conv2d):
    """Convolution with Keras's `same` padding: of an odd number of rows, the last side gets one more."""

    def forward(self, x):
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        padding = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in (x.shape[3], x.shape[2])]
        return super().forward(functional.pad(x, [part for p in padding for part in (p // 2, p - p // 2)]))


def dense_layers(units):
    return (
        *(nn.Linear(units, 128) if units else nn.LazyLinear(128), nn.ReLU(), nn.Dropout(DROPOUT)),
        *(nn.Linear(128, 16), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(16, 1)),
    )


def model_a_branch(filters):
    return nn.Sequential(
        *(nn.Conv2d(128, 64, 3), nn.ReLU(), nn.MaxPool2d(2), norm(64)),
        *(nn.Conv2d(64, 128, 2), nn.ReLU(), nn.MaxPool2d(2), norm(128)),
        *(nn.Conv2d(128, filters, 2), nn.ReLU(), nn.Flatten(), *dense_layers(None)),
    )


def model_a_trunk():
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2), norm(64)),
        *(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2)),
    )


class ResidualBlock(nn.Module):
    """The sum of a block and of its shortcut, with an optional activation."""

    def __init__(self, block, shortcut=None, activation=None, drop_rate=0.0):
        super().__init__()
        self.block, self.drop_rate = block, drop_rate
        self.shortcut, self.activation = shortcut or nn.Identity(), activation or nn.Identity()

    def forward(self, x):
        inner = self.block(x)
        if self.training and self.drop_rate > 0:
            keep = 1 - self.drop_rate
            inner = inner * torch.empty(len(x), 1, 1, 1, device=x.device).bernoulli_(keep) / keep
        return self.activation(self.shortcut(x) + inner)


def residual_trunk():
    layers = [SameConv(3, 32, 3), norm(32), nn.ReLU()]
    channels = 32
    for filters, stride in RESIDUAL_BLOCKS:
        block = nn.Sequential(
            *(SameConv(channels, filters, 3, stride), norm(filters), nn.ReLU()),
            *(SameConv(filters, filters, 3), norm(filters)),
        )
        changes = stride > 1 or filters != channels
        shortcut = nn.Conv2d(channels, filters, 1, stride) if changes else None
        layers.append(ResidualBlock(block, shortcut, nn.ReLU()))
        channels = filters
    return nn.Sequential(*layers), channels


def resnet50():
    def conv_norm(channels, filters, kernel=1, stride=1, padding=0):
        return nn.Conv2d(channels, filters, kernel, stride, padding), norm(filters, 1.001e-5)

    stages = [nn.Sequential(*conv_norm(3, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))]
    channels = 64
    for filters, blocks, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        stage = []
        for i in range(blocks):
            stride = first_stride if i == 0 else 1
            block = nn.Sequential(
                *(*conv_norm(channels, filters, 1, stride), nn.ReLU()),
                *(*conv_norm(filters, filters, 3, 1, 1), nn.ReLU()),
                *conv_norm(filters, 4 * filters),
            )
            shortcut = nn.Sequential(*conv_norm(channels, 4 * filters, 1, stride)) if i == 0 else None
            stage.append(ResidualBlock(block, shortcut, nn.ReLU()))
            channels = 4 * filters
        stages.append(nn.Sequential(*stage))
    return nn.Sequential(*stages), channels


def mobilenetv2():
    def conv_norm(channels, filters, kernel=1, stride=1, groups=1):
        conv = SameConv if kernel > 1 else nn.Conv2d
        return conv(channels, filters, kernel, stride, groups=groups, bias=False), norm(filters, 1e-3, 0.999)

    layers = [*conv_norm(3, 32, 3, 2), nn.ReLU6()]
    channels = 32
    for filters, blocks, first_stride, expansion in (
        *((16, 1, 1, 1), (24, 2, 2, 6), (32, 3, 2, 6), (64, 4, 2, 6)),
        *((96, 3, 1, 6), (160, 3, 2, 6), (320, 1, 1, 6)),
    ):
        for i in range(blocks):
            wide = channels * expansion
            block = nn.Sequential(
                *((*conv_norm(channels, wide), nn.ReLU6()) if expansion > 1 else ()),
                *(*conv_norm(wide, wide, 3, first_stride if i == 0 else 1, wide), nn.ReLU6()),
                *conv_norm(wide, filters),
            )
            layers.append(ResidualBlock(block) if i > 0 else block)
            channels = filters
    return nn.Sequential(*layers, *conv_norm(channels, 1280), nn.ReLU6()), 1280


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.gate = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.SiLU()),
            *(nn.Conv2d(squeezed, channels, 1), nn.Sigmoid()),
        )

    def forward(self, x):
        return x * self.gate(x)


def efficientnetb0():
    def conv_norm(channels, filters, kernel=1, stride=1, groups=1):
        conv = SameConv if kernel > 1 else nn.Conv2d
        return conv(channels, filters, kernel, stride, groups=groups, bias=False), norm(filters)

    stages = (
        *((3, 1, 16, 1, 1), (3, 2, 24, 2, 6), (5, 2, 40, 2, 6), (3, 3, 80, 2, 6)),
        *((5, 3, 112, 1, 6), (5, 4, 192, 2, 6), (3, 1, 320, 1, 6)),
    )
    all_blocks = sum(blocks for _, blocks, *_ in stages)
    layers = [*conv_norm(3, 32, 3, 2), nn.SiLU()]
    channels, count = 32, 0
    for kernel, blocks, filters, first_stride, expansion in stages:
        for i in range(blocks):
            wide = channels * expansion
            block = nn.Sequential(
                *((*conv_norm(channels, wide), nn.SiLU()) if expansion > 1 else ()),
                *(*conv_norm(wide, wide, kernel, first_stride if i == 0 else 1, wide), nn.SiLU()),
                *(SqueezeExcite(wide, channels // 4), *conv_norm(wide, filters)),
            )
            layers.append(ResidualBlock(block, drop_rate=0.2 * count / all_blocks) if i > 0 else block)
            channels = filters
            count += 1
    return nn.Sequential(*layers, *conv_norm(channels, 1280), nn.SiLU()), 1280


TRUNKS = {
    "resnet50": resnet50,
    "mobilenetv2": mobilenetv2,
    "efficientnetb0": efficientnetb0,
    "residual": residual_trunk,
}


class Network(nn.Module):
    """Trunk and branches. The first `frozen` modules of the trunk are not trained and run in inference mode."""

    def __init__(self, network, train):
        super().__init__()
        if network == "model-a":
            self.trunk = model_a_trunk()
            self.age, self.gender = model_a_branch(128), model_a_branch(64)
        else:
            self.trunk, channels = TRUNKS[network]()
            self.age, self.gender = (
                nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *dense_layers(channels)) for _ in range(2)
            )
        # The last module of ResNet50 is conv5.
        self.frozen = {"all": 0, "conv5": len(self.trunk) - 1, "heads": len(self.trunk)}[train]
        self.trunk[: self.frozen].requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.trunk[: self.frozen].eval()
        return self

    def forward(self, images):
        features = images
        for module in self.trunk:
            features = module(features)
        return self.age(features), self.gender(features)

    def regularized_kernels(self):
        """Returns the kernels of the hidden dense layers, which have an L2 penalty."""
        dense = [layer for layer in self.modules() if isinstance(layer, nn.Linear) and layer.out_features > 1]
        return [layer.weight for layer in dense]


def count_parameters(model):
    """Returns the numbers of all parameters, including moving statistics, and of the trainable parameters."""
    buffers = [buffer for name, buffer in model.named_buffers() if not name.endswith("num_batches_tracked")]
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    return {
        "total": sum(array.numel() for array in [*model.parameters(), *buffers]),
        "trainable": sum(weight.numel() for weight in trainable),
    }
