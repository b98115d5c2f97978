/**
 * Patches that add support for attributes that are lists of strings or lists of types. Fused convolutions require these attributes, but the
 * unpatched binding cannot pass them to TensorFlow. Each patch is inserted before the code that handles a single value.
 */
const SOURCE_PATCHES: readonly (readonly [before: string, added: string])[] = [
  [
    '      std::string str_value;\n      nstatus = GetStringParam(env, js_value, str_value);',
    `      if (IsArray(env, nstatus, &js_value)) {
        uint32_t length;
        nstatus = napi_get_array_length(env, js_value, &length);
        ENSURE_NAPI_OK(env, nstatus);
        std::vector<std::string> texts(length);
        std::vector<const void *> starts(length);
        std::vector<size_t> lengths(length);
        for (uint32_t i = 0; i < length; ++i) {
          napi_value element;
          nstatus = napi_get_element(env, js_value, i, &element);
          ENSURE_NAPI_OK(env, nstatus);
          nstatus = GetStringParam(env, element, texts[i]);
          ENSURE_NAPI_OK(env, nstatus);
          starts[i] = texts[i].data();
          lengths[i] = texts[i].size();
        }
        TFE_OpSetAttrStringList(tfe_op, attr_name, starts.data(),
                                lengths.data(), static_cast<int>(length));
        break;
      }
`,
  ],
  [
    '      TF_DataType tf_data_type;\n      nstatus = napi_get_value_int32(\n          env, js_value,',
    `      if (IsArray(env, nstatus, &js_value)) {
        uint32_t length;
        nstatus = napi_get_array_length(env, js_value, &length);
        ENSURE_NAPI_OK(env, nstatus);
        std::vector<TF_DataType> types(length);
        for (uint32_t i = 0; i < length; ++i) {
          napi_value element;
          nstatus = napi_get_element(env, js_value, i, &element);
          ENSURE_NAPI_OK(env, nstatus);
          nstatus = napi_get_value_int32(
              env, element, reinterpret_cast<int32_t *>(&types[i]));
          ENSURE_NAPI_OK(env, nstatus);
        }
        TFE_OpSetAttrTypeList(tfe_op, attr_name, types.data(),
                              static_cast<int>(length));
        break;
      }
`,
  ],
];

/** Returns the patched source of `tfjs_backend.cc`, or undefined if the source differs from version 4.22 and cannot be patched. */
export function patchBackendSource(source: string): string | undefined {
  return SOURCE_PATCHES.reduce<string | undefined>((text, [before, added]) => {
    const parts = text?.split(before);
    return parts?.length === 2 ? `${parts[0]}${added}${before}${parts[1]}` : undefined;
  }, source);
}
