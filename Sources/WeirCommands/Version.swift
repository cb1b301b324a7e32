/// Which Weir this is: of `weir --version`, and of the packages made of it.
enum Version {
    static let current = "0.1.0"
}
