/* SPDX-License-Identifier: BSD-2-Clause */
/* make_onednn.cpp: runs one GRU layer of oneDNN 2 for make_onednn.py; floats come on standard input, floats go out. */
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

using tag = dnnl::memory::format_tag;

/* A plain dense tensor; its data are read from standard input, or zero. */
static dnnl::memory tensor(const dnnl::memory::dims &shape, tag format, const dnnl::engine &engine, bool given)
{
    dnnl::memory memory({shape, dnnl::memory::data_type::f32, format}, engine);
    size_t count = 1;
    for (auto extent : shape)
        count *= static_cast<size_t>(extent);
    std::vector<float> data(count);
    if (given && std::fread(data.data(), sizeof(float), count, stdin) != count)
        std::abort();
    float *to = static_cast<float *>(memory.get_data_handle());
    for (size_t i = 0; i < count; i++)
        to[i] = data[i];
    return memory;
}

static void put(const dnnl::memory &memory)
{
    std::fwrite(memory.get_data_handle(), 1, memory.get_desc().get_size(), stdout);
}

template <typename gru> static dnnl::primitive make(dnnl::rnn_direction direction, const dnnl::engine &engine,
                                                    const std::vector<dnnl::memory> &m)
{
    typename gru::desc desc(dnnl::prop_kind::forward_inference, direction, m[0].get_desc(), m[1].get_desc(),
                            m[2].get_desc(), m[3].get_desc(), m[4].get_desc(), m[5].get_desc(), m[6].get_desc());
    return gru(typename gru::primitive_desc(desc, engine));
}

/* make_onednn lbr|vanilla forward|reverse I H T B */
int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    bool lbr = std::string(argv[1]) == "lbr";
    auto direction = std::string(argv[2]) == "reverse" ? dnnl::rnn_direction::unidirectional_right2left
                                                       : dnnl::rnn_direction::unidirectional_left2right;
    long I = std::atol(argv[3]), H = std::atol(argv[4]), T = std::atol(argv[5]), B = std::atol(argv[6]);
    dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    std::vector<dnnl::memory> m;
    m.push_back(tensor({T, B, I}, tag::tnc, engine, true));
    m.push_back(tensor({1, 1, B, H}, tag::ldnc, engine, true));
    m.push_back(tensor({1, 1, I, 3, H}, tag::ldigo, engine, true));
    m.push_back(tensor({1, 1, H, 3, H}, tag::ldigo, engine, true));
    m.push_back(tensor({1, 1, lbr ? 4 : 3, H}, tag::ldgo, engine, true));
    m.push_back(tensor({T, B, H}, tag::tnc, engine, false));
    m.push_back(tensor({1, 1, B, H}, tag::ldnc, engine, false));
    auto primitive = lbr ? make<dnnl::lbr_gru_forward>(direction, engine, m)
                         : make<dnnl::gru_forward>(direction, engine, m);
    dnnl::stream stream(engine);
    primitive.execute(stream, {{DNNL_ARG_SRC_LAYER, m[0]}, {DNNL_ARG_SRC_ITER, m[1]}, {DNNL_ARG_WEIGHTS_LAYER, m[2]},
                               {DNNL_ARG_WEIGHTS_ITER, m[3]}, {DNNL_ARG_BIAS, m[4]}, {DNNL_ARG_DST_LAYER, m[5]},
                               {DNNL_ARG_DST_ITER, m[6]}});
    stream.wait();
    put(m[5]);
    put(m[6]);
    return 0;
}
