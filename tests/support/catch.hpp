// Catch2, wherever the distribution keeps it.
#pragma once

#include <catch2/catch.hpp>
