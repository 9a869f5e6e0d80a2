// Stage a-sum: adds in assembly, called from a .cpp file.

#include <iostream>

#include "sum.hpp"

int main() { std::cout << sum(1, 2, 3) << "\n"; }
