/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtneural.cpp: RTNeural's GRU with sizes known when it is compiled, in its Eigen form: one row, reset after, input as
 * wide as the state. bench/peers/run builds it where a checkout of RTNeural is named, since nothing packages it.
 */
#include <algorithm>
#include <any>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <unordered_map>
#include <valarray>
#include <variant>
#include <vector>

#include <Eigen/Dense>

/* Its state can't be set otherwise, and a cell begins with one that isn't zero. (The headers above are those that it
 * includes: they wouldn't bear this.) */
#define private public
#include <RTNeural/RTNeural.h>
#undef private

extern "C" {
#include "peer.h"
}

namespace {

peer_cell cell;

struct Network {
    virtual ~Network() = default;
    virtual void run() = 0;
};

/* RTNeural's gates are z, r, n. */
const int from[] = {1, 0, 2};

/* Gates in that order, and the inputs outermost. */
template <int size>
std::vector<std::vector<float>> turned(const float *m)
{
    std::vector<std::vector<float>> t(size, std::vector<float>(3 * size));
    for (int gate = 0; gate < 3; gate++)
        for (int unit = 0; unit < size; unit++)
            for (int k = 0; k < size; k++)
                t[k][gate * size + unit] = m[(from[gate] * size + unit) * size + k];
    return t;
}

template <int size>
struct Sized : Network {
    EIGEN_MAKE_ALIGNED_OPERATOR_NEW
    RTNeural::GRULayerT<float, size, size> layer;

    Sized()
    {
        std::vector<std::vector<float>> bias(2, std::vector<float>(3 * size));
        for (int gate = 0; gate < 3; gate++)
            for (int unit = 0; unit < size; unit++) {
                bias[0][gate * size + unit] = cell.bx[from[gate] * size + unit];
                bias[1][gate * size + unit] = cell.bh[from[gate] * size + unit];
            }
        layer.setWVals(turned<size>(cell.w));
        layer.setUVals(turned<size>(cell.u));
        layer.setBVals(bias);
        layer.reset();
    }

    void run() override
    {
        const float *state = cell.steps == 1 ? cell.h : cell.h0;
        layer.extendedHt1.template segment<size>(0) = Eigen::Map<const Eigen::Matrix<float, size, 1>>(state);
        for (size_t t = 0; t < cell.steps; t++) {
            const Eigen::Matrix<float, size, 1> x = Eigen::Map<const Eigen::Matrix<float, size, 1>>(cell.x + t * size);
            layer.forward(x);
            std::memcpy(cell.steps == 1 ? cell.h : cell.y + t * size, layer.outs.data(), size * sizeof(float));
        }
        if (cell.steps > 1)
            std::memcpy(cell.h, layer.outs.data(), size * sizeof(float));
    }
};

std::unique_ptr<Network> network;

const char *open_cell(const peer_cell *opened)
{
    cell = *opened;
    if (cell.before || cell.batch != 1 || cell.threads != 1 || cell.input != cell.hidden)
        return "one row and one thread, reset after, I = H only";
    switch (cell.hidden) {
    case 8: network.reset(new Sized<8>); break;
    case 16: network.reset(new Sized<16>); break;
    case 32: network.reset(new Sized<32>); break;
    case 64: network.reset(new Sized<64>); break;
    case 128: network.reset(new Sized<128>); break;
    default: return "compiled for H = 8, 16, 32, 64 and 128";
    }
    return nullptr;
}

void run_cell()
{
    network->run();
}

void close_cell()
{
    network.reset();
}

} // namespace

int main()
{
    const peer served = {open_cell, run_cell, close_cell, nullptr};
    return peer_serve(&served);
}
