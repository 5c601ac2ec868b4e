#include "output/table.h"

namespace quorate::output {
namespace {

TEST(TableTest, CentresHeadingsAndRightAlignsCells) {
  EXPECT_EQ(RenderTable({"id", "Peer Addrs"}, {{"2e12", "http://a:1"}, {"5", "x"}}),
            "+------+------------+\n"
            "|  ID  | PEER ADDRS |\n"
            "+------+------------+\n"
            "| 2e12 | http://a:1 |\n"
            "|    5 |          x |\n"
            "+------+------------+\n");
}

TEST(TableTest, BreaksLongCellsBetweenWords) {
  EXPECT_EQ(RenderTable({"errors"}, {{"memberID:3319814642761637952 alarm:NOSPACE"}}),
            "+------------------------------+\n"
            "|            ERRORS            |\n"
            "+------------------------------+\n"
            "| memberID:3319814642761637952 |\n"
            "|                alarm:NOSPACE |\n"
            "+------------------------------+\n");
}

}  // namespace
}  // namespace quorate::output
