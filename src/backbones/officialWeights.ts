/** A file with ImageNet weights that the Keras project publishes. */
export interface OfficialWeightsFile {
  readonly url: string;
  /**
   * MD5 hash of the file, from the source code of Keras. Undefined if Keras has no hash for the file, so that only its structure can be
   * checked.
   */
  readonly md5: string | undefined;
}

/** Weight files of a backbone: with and without the classification layers for the 1000 ImageNet classes. */
export interface OfficialWeightsFiles {
  readonly top: OfficialWeightsFile;
  readonly withoutTop: OfficialWeightsFile;
}

const RESNET_URL = 'https://storage.googleapis.com/tensorflow/keras-applications/resnet';
const MOBILENET_URL = 'https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2';
const EFFICIENTNET_URL = 'https://storage.googleapis.com/keras-applications';

/** Weight files for ResNet50 in Keras 3.15 (applications/resnet.py). */
export const RESNET50_FILES: OfficialWeightsFiles = {
  top: {
    url: `${RESNET_URL}/resnet50_weights_tf_dim_ordering_tf_kernels.h5`,
    md5: '2cb95161c43110f7111970584f804107',
  },
  withoutTop: {
    url: `${RESNET_URL}/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`,
    md5: '4d473c1dd8becc155b73f8504c6f6626',
  },
};

export const MOBILENETV2_SIDES = [96, 128, 160, 192, 224] as const;

/** Width and height in pixels of the images that the published MobileNetV2 weights were trained on. */
export type MobileNetV2Side = (typeof MOBILENETV2_SIDES)[number];

/**
 * Returns the weight files for MobileNetV2 in Keras 3.15 (applications/mobilenet_v2.py), which were trained on images of `side` x `side`
 * pixels. Keras has no hashes for these files.
 */
export const getMobileNetV2Files = (side: MobileNetV2Side): OfficialWeightsFiles => {
  const start = `${MOBILENET_URL}/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_${side}`;
  return {
    top: { url: `${start}.h5`, md5: undefined },
    withoutTop: { url: `${start}_no_top.h5`, md5: undefined },
  };
};

/** Weight files for EfficientNetB0 in Keras 3.15 (applications/efficientnet.py). */
export const EFFICIENTNETB0_FILES: OfficialWeightsFiles = {
  top: { url: `${EFFICIENTNET_URL}/efficientnetb0.h5`, md5: '902e53a9f72be733fc0bcb005b3ebbac' },
  withoutTop: { url: `${EFFICIENTNET_URL}/efficientnetb0_notop.h5`, md5: '50bc09e76180e00e4465e1a485ddc09d' },
};
