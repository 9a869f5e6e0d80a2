// What the suite of ch10/b needs from your headers.

#include "testing/shape.hpp"

#include <concepts>

#include "parker.hpp"

NEEDS(Parker, it.park(), void, "Parker needs: void park()");
NEEDS(Parker, it.unpark(), void, "Parker needs: void unpark()");
static_assert(std::default_initializable<Parker>, "a Parker is made of nothing: Parker parker;");
