// RenderTable: rows under centred headings, cells to the right, as etcdctl's -w table.
#pragma once

#include <string>
#include <vector>

namespace quorate::output {

// Every row has as many cells as there are headings. Headings are written in capitals. A cell of
// more than thirty characters is broken between words. Ends with a newline.
std::string RenderTable(const std::vector<std::string>& headings,
                        const std::vector<std::vector<std::string>>& rows);

}  // namespace quorate::output
